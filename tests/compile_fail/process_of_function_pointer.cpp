// SPDX-License-Identifier: BSL-1.0
// expect: ferry: .*a pointer to a function cannot cross to another process.*ferry::fn<&function>
#include <ferry/process.hpp>

void work();

void start() {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::fn<&work>);
#else
  ferry::process child(&work);
#endif
}
