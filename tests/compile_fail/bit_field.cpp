// SPDX-License-Identifier: BSL-1.0
// Members that are bit-fields cannot be referred to.
#include <ferry/archive.hpp>

struct flags {
  int a : 3;
  int b : 5;
};
struct plain {
  int a;
  int b;
};

#ifdef FERRY_CONTROL
plain receive(ferry::message from) {
  return ferry::loads<plain>(std::move(from));
}
#else
flags receive(ferry::message from) {
  return ferry::loads<flags>(std::move(from));
}
#endif
