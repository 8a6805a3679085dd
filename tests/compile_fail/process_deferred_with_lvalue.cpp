// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

#include <memory>
#include <utility>

void work(std::unique_ptr<int> number);

void start(std::unique_ptr<int> number) {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::deferred, ferry::fn<&work>, std::move(number));
#else
  ferry::process child(ferry::deferred, ferry::fn<&work>, number);
#endif
}
