// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

#include <memory>

#ifdef FERRY_CONTROL
void work(std::unique_ptr<int> number);
#else
void work(int* number);
#endif

void start() {
  ferry::process child(ferry::fn<&work>, nullptr);
}
