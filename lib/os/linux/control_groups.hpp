// SPDX-License-Identifier: BSL-1.0
// Limits of the control groups of this process, and of those above them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ferry::os {

/// The tightest limit of memory on the way from the process's group to the root.
struct group_memory {
  std::uint64_t available = 0;  ///< in bytes, with what the system would drop or swap out for it
  std::uint64_t limit = 0;      ///< in bytes
  std::string file;             ///< in which the limit stands
};
/// @returns nothing when there is no limit, or none that can be seen
std::optional<group_memory> memory_of_groups();

/// How many processors' time the groups give the process, 1.5 for example.
/// @returns nothing when there is no quota, or none that can be seen
std::optional<double> processors_of_groups();

}  // namespace ferry::os
