// SPDX-License-Identifier: BSL-1.0
// Unused names for shared objects.
#pragma once

#include <string>
#include <string_view>

namespace ferry::detail {

/// As CPython makes them up, short enough for every system: `prefix` and 8 random hexadecimal digits.
std::string new_name(std::string_view prefix);

}  // namespace ferry::detail
