// SPDX-License-Identifier: BSL-1.0
// So does its condition variable.
// expect: ferry: .*a std::condition_variable cannot cross.*synchronises the threads of one process only
// expect: std::condition_variable
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
