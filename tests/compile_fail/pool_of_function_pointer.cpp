// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

int square(int number);

ferry::task<int> run(const ferry::pool& pool) {
#ifdef FERRY_CONTROL
  return pool.submit(ferry::fn<&square>, 2);
#else
  return pool.submit(&square, 2);
#endif
}
