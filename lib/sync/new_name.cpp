// SPDX-License-Identifier: BSL-1.0
// Random names for shared objects.
#include "sync/new_name.hpp"

#include "os/random.hpp"

#include <array>
#include <cstdio>

namespace ferry::detail {

std::string new_name(std::string_view prefix) {
  std::array<std::byte, 4> random;
  os::fill_random(random);
  std::string name(prefix);
  for (const std::byte each : random) {
    std::array<char, 3> digits;
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(each));
    name += digits.data();
  }
  return name;
}

}  // namespace ferry::detail
