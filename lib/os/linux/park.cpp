// SPDX-License-Identifier: BSL-1.0
// Parking by futex, which the kernel finds by the memory behind the address: processes may map it anywhere.
#include "os/park.hpp"

#include "os/linux/system_calls.hpp"
#include "os/processors.hpp"

#include <algorithm>
#include <climits>
#include <linux/futex.h>
#include <time.h>

namespace ferry::os {
namespace {

std::uint32_t* address_of(const park_word& word) noexcept {
  return reinterpret_cast<std::uint32_t*>(const_cast<park_word*>(&word));
}

timespec as_timespec(deadline::clock::time_point when) noexcept {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {static_cast<time_t>(seconds.count()),
          static_cast<long>(std::chrono::nanoseconds(since - seconds).count())};
}

}  // namespace

bool park(const park_word& word, std::uint32_t expected, deadline until) {
  if (until.is_immediate()) return false;
  timespec end{};
  if (!until.is_never()) end = as_timespec(deadline::clock::now() + until.remaining());
  // The form with a bit set takes a point of the monotonic clock, not a duration.
  return calls().futex(address_of(word), FUTEX_WAIT_BITSET, expected, until.is_never() ? nullptr : &end,
                       nullptr, FUTEX_BITSET_MATCH_ANY) == 0;
}

int unpark(const park_word& word, int count) noexcept {
  const long woken =
      calls().futex(address_of(word), FUTEX_WAKE, static_cast<std::uint32_t>(count), nullptr, nullptr, 0);
  return woken < 0 ? 0 : static_cast<int>(woken);
}

int unpark_all(const park_word& word) noexcept {
  return unpark(word, INT_MAX);
}

std::uint32_t adaptive_spin::turns_after(std::uint32_t failures) noexcept {
  static const unsigned processors = processors_to_run_on();
  if (processors <= 1) return 0;
  if (failures % whole_again == 0) return most;
  return std::max(least, most >> std::min(failures, whole_again));
}

}  // namespace ferry::os
