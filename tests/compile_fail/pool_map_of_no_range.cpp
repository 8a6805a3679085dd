// SPDX-License-Identifier: BSL-1.0
// What a pool maps over has elements.
#include <ferry/pool.hpp>

#include <vector>

int half(int);

void run(const ferry::pool& pool) {
#ifdef FERRY_CONTROL
  pool.map(ferry::fn<&half>, std::vector<int>{5});
  pool.map(ferry::fn<&half>, {5});
  pool.submit(ferry::fn<&half>, 5);
  pool.apply(ferry::fn<&half>, 5);
#else
  pool.map(ferry::fn<&half>, 5);
#endif
}
