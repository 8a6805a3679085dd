// SPDX-License-Identifier: BSL-1.0
// Reading /proc/<id>/stat of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ferry::os {

struct process_facts {
  char state = '?';  ///< 'Z' and 'X': ended
  std::uint64_t threads = 0;
  std::uint64_t start_time = 0;  ///< in the system's own unit
};

/// @param text  content of the file; see proc(5)
std::optional<process_facts> parse_stat(std::string_view text) noexcept;

}  // namespace ferry::os
