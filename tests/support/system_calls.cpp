// SPDX-License-Identifier: BSL-1.0
// Counting by ptrace(2).
#include "support/system_calls.hpp"

#include "support/stepping.hpp"

namespace ferry::test {
namespace {

std::size_t count_borders(const std::function<void()>& work) {
  stepped_child child(work);
  std::size_t count = 0;
  while (child.run_to_system_call()) ++count;
  return count;
}

}  // namespace

// The child makes some of its own after the work.
std::size_t count_system_calls(const std::function<void()>& work) {
  return (count_borders(work) - count_borders([] {})) / 2;
}

}  // namespace ferry::test
