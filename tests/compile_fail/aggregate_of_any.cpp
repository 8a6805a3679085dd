// SPDX-License-Identifier: BSL-1.0
// What takes everything is no base class.
// expect: ferry: .*a std::any cannot cross
// expect: holder
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
