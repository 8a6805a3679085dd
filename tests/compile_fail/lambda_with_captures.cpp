// SPDX-License-Identifier: BSL-1.0
// The members of a lambda with captures have no names.
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
ferry::message send(int number) {
  return ferry::dumps(number);
}
#else
ferry::message send(int number) {
  return ferry::dumps([number] { return number; });
}
#endif
