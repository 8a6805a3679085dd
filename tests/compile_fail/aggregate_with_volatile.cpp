// SPDX-License-Identifier: BSL-1.0
// A volatile member is no value to be copied.
#include <ferry/archive.hpp>

struct device {
  int id;
#ifdef FERRY_CONTROL
  int status;
#else
  volatile int status;
#endif
};

ferry::message send(const device& value) {
  return ferry::dumps(value);
}
