// SPDX-License-Identifier: BSL-1.0
// A reference cannot be read.
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
int receive(ferry::message from) {
  return ferry::loads<int>(std::move(from));
}
#else
int receive(ferry::message from) {
  return ferry::loads<const int&>(std::move(from));
}
#endif
