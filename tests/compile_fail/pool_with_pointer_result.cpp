// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <memory>

#ifdef FERRY_CONTROL
std::unique_ptr<int> work(int number);
#else
int* work(int number);
#endif

void run(const ferry::pool& pool) {
  pool.submit(ferry::fn<&work>, 1);
}
