// SPDX-License-Identifier: BSL-1.0
// The members of a lambda with captures have no names.
// expect: ferry: .*a lambda with captures cannot cross.*pass the captured values as arguments
// expect: [<( ]lambda
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
