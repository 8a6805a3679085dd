// SPDX-License-Identifier: BSL-1.0
// Common parts of the tests of processes.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "support/child.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <unistd.h>

namespace ferry {

inline std::ostream& operator<<(std::ostream& out, start_method method) {
  return out << to_string(method);
}
inline std::ostream& boost_test_print_type(std::ostream& out, const exit_status& status) {
  return out << "state " << static_cast<int>(status.is) << " code " << status.code;
}

namespace test {

inline const auto every_start_method = boost::unit_test::data::make(all_start_methods());

inline process_options by(start_method method) {
  process_options options;
  options.context = default_context();
  options.context->method = method;
  return options;
}

/// The least that a process can do.
inline void nothing() {}

template <class T>
void tell(connection& to, const T& value) {
  to.send(value);
}
/// @throws end_of_stream  when all other ends are closed
template <class T>
T hear(connection& from) {
  auto heard = from.recv_for<T>(patience);
  if (!heard) throw std::runtime_error("nothing was heard in time");
  return std::move(*heard);
}
/// Waits until something comes, or all other ends are closed.
inline void wait_for_end(connection end) {
  end.poll_until(deadline::never());
}
/// Holds an end of a line, which ends when all processes that do have ended.
inline void hold(connection line) {
  wait_for_end(std::move(line));
}
/// Waits until all other ends are closed.
inline bool all_gone(connection& here) {
  try {
    hear<int>(here);
  } catch (const end_of_stream&) {
    return true;
  }
  return false;
}

/// What comes out of a pipe until all other ends are closed.
inline std::string read_all(handle_view from) {
  std::string text;
  char next = 0;
  while (::read(from.native(), &next, 1) == 1) text += next;
  return text;
}

/// Ends the forkserver with the test case, which has to leave no child.
struct no_forkserver_left {
  ~no_forkserver_left() { stop_forkserver(); }
};

}  // namespace test
}  // namespace ferry
