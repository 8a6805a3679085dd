// SPDX-License-Identifier: BSL-1.0
// A unique_ptr to an array does not know its length.
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
ferry::message send(const std::vector<int>& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const std::unique_ptr<int[]>& value) {
  return ferry::dumps(value);
}
#endif
