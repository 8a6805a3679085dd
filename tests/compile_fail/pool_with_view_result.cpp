// SPDX-License-Identifier: BSL-1.0
// A string_view that arrives would point nowhere.
#include <ferry/pool.hpp>

#include <string>
#include <string_view>
#include <vector>

#ifdef FERRY_CONTROL
std::string work(int number);
#else
std::string_view work(int number);
#endif

void run(const ferry::pool& pool, const std::vector<int>& input) {
  pool.map(ferry::fn<&work>, input);
}
