// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <string>

#ifdef FERRY_CONTROL
std::string work(std::string text);
#else
void work(std::string& text);
#endif

void run(const ferry::pool& pool, std::string& text) {
  pool.apply(ferry::fn<&work>, text);
}
