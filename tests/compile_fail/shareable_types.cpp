// SPDX-License-Identifier: BSL-1.0
// What shared memory does not hold, for one reason or another.
#include <ferry/shared_array.hpp>
#include <ferry/shared_value.hpp>

#include <array>
#include <atomic>

struct large {
  long numbers[8];
};
struct alignas(8192) page {
  int number;
};

#ifdef FERRY_CONTROL
template class ferry::shared_value<int>;
template class ferry::shared_array<int>;
template class ferry::shared_value<std::array<int, 3>>;
template class ferry::shared_value<std::atomic<int>>;
template class ferry::shared_value<large>;
#else
static_assert(ferry::detail::require_shareable<const int>());
static_assert(ferry::detail::require_shareable<int[3]>());
static_assert(ferry::detail::require_shareable<std::atomic<large>>());
static_assert(ferry::detail::require_shareable<page>());
#endif
