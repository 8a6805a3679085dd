// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <string>

int work(const std::string& text, int times);

int run(const ferry::pool& pool) {
#ifdef FERRY_CONTROL
  return pool.apply(ferry::fn<&work>, "text", 1);
#else
  return pool.apply(ferry::fn<&work>, 1, "text");
#endif
}
