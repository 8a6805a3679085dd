// SPDX-License-Identifier: BSL-1.0
// A pool has no fork: what it names has to do.
#include <ferry/pool.hpp>

#ifdef FERRY_CONTROL
struct multiplied {
  int factor;
  int operator()(int number) const { return factor * number; }
};
int multiply(int factor, int number);
#endif

int run(const ferry::pool& pool, int factor) {
#ifdef FERRY_CONTROL
  pool.map(multiplied{factor}, {1, 2, 3});
  pool.map(ferry::bind_front(ferry::fn<&multiply>, factor), {1, 2, 3});
  return pool.apply([](int number, int by) { return by * number; }, 2, factor);
#else
  return pool.apply([factor](int number) { return factor * number; }, 2);
#endif
}
