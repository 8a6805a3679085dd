// SPDX-License-Identifier: BSL-1.0
// A raw pointer says neither who owns nor how much.
#include <ferry/archive.hpp>

struct holder {
  int* pointer;
};
struct owner {
  std::unique_ptr<int> pointer;
};

#ifdef FERRY_CONTROL
ferry::message send(const owner& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const holder& value) {
  return ferry::dumps(value);
}
#endif
