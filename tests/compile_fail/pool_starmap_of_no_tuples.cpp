// SPDX-License-Identifier: BSL-1.0
// The parts of an element are the arguments of a call.
#include <ferry/pool.hpp>

#include <tuple>
#include <vector>

int half(int);

void run(const ferry::pool& pool, std::vector<int>& numbers) {
#ifdef FERRY_CONTROL
  pool.map(ferry::fn<&half>, numbers);
  pool.starmap(ferry::fn<&half>, std::vector<std::tuple<int>>{{5}});
#else
  pool.starmap(ferry::fn<&half>, numbers);
#endif
}
