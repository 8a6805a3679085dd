// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

struct cache {
  int size;
};

#ifdef FERRY_CONTROL
int work(cache& own, int number);
#else
int work(cache own, int number);
#endif

int run(const ferry::pool& pool) {
  return pool.with_state<cache>([] { return cache{1}; }).apply(ferry::fn<&work>, 1);
}
