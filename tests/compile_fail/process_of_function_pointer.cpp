// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

void work();

void start() {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::fn<&work>);
#else
  ferry::process child(&work);
#endif
}
