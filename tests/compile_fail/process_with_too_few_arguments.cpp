// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

void work(int a, int b = 2);

void start() {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::fn<&work>, 1, 2);
#else
  ferry::process child(ferry::fn<&work>, 1);
#endif
}
