// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

struct cache {
  int size;
};
struct other {};

int work(cache& own, int number);

int run(const ferry::pool& pool) {
#ifdef FERRY_CONTROL
  return pool.with_state<cache>([] { return cache{1}; }).apply(ferry::fn<&work>, 1);
#else
  return pool.with_state<cache>([] { return other(); }).apply(ferry::fn<&work>, 1);
#endif
}
