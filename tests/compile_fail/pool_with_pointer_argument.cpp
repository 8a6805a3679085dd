// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <memory>

#ifdef FERRY_CONTROL
int work(std::unique_ptr<int> number);
#else
int work(int* number);
#endif

int run(const ferry::pool& pool) {
  return pool.apply(ferry::fn<&work>, nullptr);
}
