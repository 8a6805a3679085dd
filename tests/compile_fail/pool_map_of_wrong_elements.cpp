// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

#include <string>
#include <vector>

int work(int number);

#ifdef FERRY_CONTROL
using input = std::vector<short>;
#else
using input = std::vector<std::string>;
#endif

void run(const ferry::pool& pool, const input& elements) {
  for (const int each : pool.imap(ferry::fn<&work>, elements)) static_cast<void>(each);
}
