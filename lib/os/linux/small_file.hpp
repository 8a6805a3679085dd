// SPDX-License-Identifier: BSL-1.0
// The text of a file that the system makes up when it is read.
#pragma once

#include <optional>
#include <string>

namespace ferry::os {

/// @returns nothing when it cannot be read, for whatever reason; `errno` says which
std::optional<std::string> read_small_file(const std::string& path);

}  // namespace ferry::os
