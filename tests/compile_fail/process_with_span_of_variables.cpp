// SPDX-License-Identifier: BSL-1.0
// What is written through a span is written to a copy.
#include <ferry/process.hpp>

#include <span>
#include <vector>

#ifdef FERRY_CONTROL
void work(std::span<const int> numbers);
#else
void work(std::span<int> numbers);
#endif

void start(std::vector<int>& numbers) {
  ferry::process child(ferry::fn<&work>, numbers);
}
