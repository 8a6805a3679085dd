// SPDX-License-Identifier: BSL-1.0
// What the tests of pools share.
#pragma once

#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/event.hpp>
#include <ferry/pool.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/sanitizer.hpp"

#include <boost/range/irange.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace ferry {

inline std::ostream& operator<<(std::ostream& out, start_method method) {
  return out << to_string(method);
}
inline std::ostream& operator<<(std::ostream& out, worker_died::cause why) {
  return out << static_cast<int>(why);
}

namespace test {

inline const auto every_start_method = boost::unit_test::data::make(methods_beside_threads());

/// Ends the forkserver with the test case, which has to leave no child.
struct no_forkserver_left {
  ~no_forkserver_left() { stop_forkserver(); }
};

inline pool_options by(start_method method) {
  pool_options options;
  options.context = default_context();
  options.context->method = method;
  options.context->fork_with_threads = true;
  return options;
}

inline pool_options of_threads() {
  pool_options options;
  options.engine = make_thread_engine();
  return options;
}

/// What a test and the tasks of its pool tell each other.
struct signals {
  shared_value<std::atomic<int>> count{0};            ///< what a test counts
  shared_value<std::atomic<std::int64_t>> victim{0};  ///< process that runs what a test is about
  event go;
};

/// Those of the pool whose worker this is.
inline const signals*& told() {
  thread_local const signals* place = nullptr;
  return place;
}
inline void take_signals(const signals& given) {
  thread_local std::optional<signals> kept;
  kept.emplace(given);
  told() = &*kept;
}

// Tasks.
inline int square(int number) {
  return number * number;
}
/// Holds a worker until the test lets it go.
inline int hold(int number) {
  *told()->victim = ::getpid();
  ++*told()->count;
  told()->go.wait();
  return number;
}

/// What `square` gives for 0, 1, ...
inline std::vector<int> squares(int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i) all.push_back(square(i));
  return all;
}

/// What a task gives, which must come within `patience`.
template <class R>
decltype(auto) outcome(const task<R>& of) {
  if (!of.wait_for(patience)) throw std::runtime_error("a task did not end in time");
  return of.get();
}

/// Tasks that were given to a worker which dies may be lost with it; then another takes its place.
inline void wait_until_squares_are_right(const pool& workers) {
  wait_until([&] {
    try {
      return outcome(workers.map_async(fn<&square>, boost::irange(0, 50), {.chunk_size = 1})) == squares(50);
    } catch (const worker_died&) {
      return false;
    }
  });
}

}  // namespace test
}  // namespace ferry
