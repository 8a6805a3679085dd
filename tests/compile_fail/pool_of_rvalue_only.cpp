// SPDX-License-Identifier: BSL-1.0
// A callable whose call operator is for nobody else than the one who calls it here.
#include <ferry/pool.hpp>

struct task {
  int factor;
#ifdef FERRY_CONTROL
  int operator()(int number) const {
    return factor * number;
  }
#else
  int operator()(int number) && {
    return factor * number;
  }
#endif
};

void run(const ferry::pool& pool) {
  pool.submit(task{2}, 1);
}
