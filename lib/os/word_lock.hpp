// SPDX-License-Identifier: BSL-1.0
// A lock in shared memory that is one word.
#pragma once

#include <ferry/deadline.hpp>

#include "os/park.hpp"

#include <cstdint>

namespace ferry::os {

/// For processes of which one does not trust the other: who writes nonsense to it keeps others waiting until
/// their time is over, and does no further harm. It begins as zero, and does not know who holds it: when a
/// holder has ended, a process that knows that has to break it.
///
/// The algorithm is `mutex2` of Ulrich Drepper, "Futexes Are Tricky" (2011).
class word_lock {
 public:
  bool try_lock() noexcept {
    std::uint32_t expected = free;
    return word_.compare_exchange_strong(expected, taken, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  /// @param spin  how long it paid to wait awake for it in this process
  /// @returns false when it could not be had until then
  bool lock(deadline until, adaptive_spin& spin) {
    if (try_lock()) return true;
    if (spin([&] { return word_.load(std::memory_order_relaxed) == free && try_lock(); })) return true;
    while (word_.exchange(awaited, std::memory_order_acquire) != free) {
      if (until.expired()) return false;
      park(word_, awaited, next_heartbeat(until));
    }
    return true;
  }
  void unlock() noexcept { break_open(); }
  /// Takes it from its holder, which has ended.
  /// @returns whether there was one
  bool break_open() noexcept {
    const std::uint32_t before = word_.exchange(free, std::memory_order_release);
    if (before == awaited) unpark(word_, 1);
    return before != free;
  }

 private:
  static constexpr std::uint32_t free = 0, taken = 1, awaited = 2;

  park_word word_;
};

}  // namespace ferry::os
