// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <tuple>
#include <vector>

int work(int number, int times);

void run(const ferry::pool& pool, const std::vector<std::tuple<int, int>>& input) {
#ifdef FERRY_CONTROL
  pool.starmap(ferry::fn<&work>, input);
#else
  pool.map(ferry::fn<&work>, input);
#endif
}
