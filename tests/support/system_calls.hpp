// SPDX-License-Identifier: BSL-1.0
// Counting what a piece of code asks of the system.
#pragma once

#include <cstddef>
#include <functional>

namespace ferry::test {

/// Runs `work` in a forked child. @returns the number of system calls that it makes
std::size_t count_system_calls(const std::function<void()>& work);

}  // namespace ferry::test
