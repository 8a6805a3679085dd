// Sending a value to where it came from.
#pragma once

#include <ferry/archive.hpp>

namespace ferry::test {

/// The value as it arrives where it is sent.
template <class T>
T cross(const T& value) {
  return loads<T>(dumps(value));
}

}  // namespace ferry::test
