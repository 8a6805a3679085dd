// SPDX-License-Identifier: BSL-1.0
// So does its condition variable.
#include <ferry/archive.hpp>

#include <condition_variable>

#ifdef FERRY_CONTROL
ferry::message send(const int& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const std::condition_variable& value) {
  return ferry::dumps(value);
}
#endif
