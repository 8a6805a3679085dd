// SPDX-License-Identifier: BSL-1.0
// Common parts of the tests of barriers.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/barrier.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ferry::test {

using cause = broken_barrier::cause;

template <class Action>
barrier<Action> sent(const barrier<Action>& value) {
  return loads<barrier<Action>>(dumps(value, {.mode = transfer::duplicate}));
}

inline auto breaks_by(cause why, std::int64_t pid = ::getpid()) {
  return [=](const broken_barrier& broken) {
    BOOST_TEST_MESSAGE(broken.what());
    return broken.why() == why && broken.pid() == pid;
  };
}

/// Threads that each do the same, all of which have ended when it goes.
class crowd {
 public:
  crowd(int count, const std::function<void(int)>& work) {
    for (int i = 0; i < count; ++i) threads_.emplace_back(work, i);
  }
  ~crowd() {
    for (std::thread& each : threads_) each.join();
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

 private:
  std::vector<std::thread> threads_;
};

/// How a wait ends.
struct ending {
  std::ptrdiff_t index = -1;
  std::optional<cause> broken;
};
template <class Barrier>
ending wait_at(const Barrier& where, deadline until = deadline::after(patience)) {
  try {
    return {where.wait_until(until), {}};
  } catch (const broken_barrier& broken) {
    return {-1, broken.why()};
  }
}

template <class Barrier>
void until_waiting(const Barrier& where, std::ptrdiff_t count) {
  while (where.waiting() != count) std::this_thread::yield();
}

struct count_rounds {
  shared_value<std::atomic<int>> rounds;
  void operator()() const { ++*rounds; }
};

}  // namespace ferry::test
