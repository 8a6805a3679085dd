// SPDX-License-Identifier: BSL-1.0
// An aggregate with a base class cannot be taken apart member by member.
#include <ferry/archive.hpp>

struct parent {
  int a;
};
struct child : parent {
  int b;
};
struct composed {
  parent first;
  int b;
};

#ifdef FERRY_CONTROL
ferry::message send(const composed& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const child& value) {
  return ferry::dumps(value);
}
#endif
