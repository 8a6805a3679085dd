// SPDX-License-Identifier: BSL-1.0
// Sending a value to where it came from.
#pragma once

#include <ferry/archive.hpp>

namespace ferry::test {

/// With which objects travel that only a new process gets otherwise.
inline constexpr archive_options any_time{.mode = transfer::duplicate};

/// The value as it arrives where it is sent.
template <class T>
T cross(const T& value) {
  return loads<T>(dumps(value));
}

}  // namespace ferry::test
