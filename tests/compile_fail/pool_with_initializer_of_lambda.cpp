// SPDX-License-Identifier: BSL-1.0
#include <ferry/pool.hpp>

void run(int number) {
#ifdef FERRY_CONTROL
  const ferry::pool pool(
      2, {}, [](int) {}, number);
#else
  const ferry::pool pool(2, {}, [number] { static_cast<void>(number); });
#endif
}
