// SPDX-License-Identifier: BSL-1.0
// A shared_ptr to an array does not know its length, and one to void not even the type.
#include <ferry/archive.hpp>

#include <memory>
#include <vector>

#ifdef FERRY_CONTROL
ferry::message send(const std::shared_ptr<std::vector<int>>& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const std::shared_ptr<int[]>& value) {
  return ferry::dumps(value);
}
#endif
