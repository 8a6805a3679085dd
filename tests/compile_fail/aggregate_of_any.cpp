// SPDX-License-Identifier: BSL-1.0
// What takes everything is no base class.
#include <ferry/archive.hpp>

#include <any>

struct holder {
#ifdef FERRY_CONTROL
  int value;
#else
  std::any value;
#endif
};

ferry::message send(const holder& value) {
  return ferry::dumps(value);
}
