// SPDX-License-Identifier: BSL-1.0
// What must be equal before and after every test case: open descriptors and child processes.
#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ferry::test {

/// What a process holds of the system at one moment. leaks.cpp compares two of them around every test case of
/// every group, so a test need do nothing to be checked.
struct holdings {
  std::map<int, std::string> descriptors;  ///< number, and what it stands for
  std::vector<pid_t> children;             ///< running children and zombies, in order

  /// What this process holds now.
  static holdings now();
  /// What `*this` has and `before` has not, and the reverse, in words; empty when they are equal.
  std::string difference(const holdings& before) const;
};

}  // namespace ferry::test
