// SPDX-License-Identifier: BSL-1.0
// A view does not own its elements.
#include <ferry/archive.hpp>

#include <ranges>

#ifdef FERRY_CONTROL
ferry::message send(const std::vector<int>& numbers) {
  return ferry::dumps(numbers);
}
#else
ferry::message send(int count) {
  return ferry::dumps(std::views::iota(0, count));
}
#endif
