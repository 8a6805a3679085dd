// SPDX-License-Identifier: BSL-1.0
#include <ferry/bind_front.hpp>

void work(int number, int other);

void run() {
#ifdef FERRY_CONTROL
  ferry::bind_front(ferry::fn<&work>, 1, 2);
#else
  ferry::bind_front(ferry::fn<&work>, 1, 2, 3);
#endif
}
