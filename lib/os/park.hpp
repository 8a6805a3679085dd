// SPDX-License-Identifier: BSL-1.0
// Sleeping on a word of shared memory until another thread changes it and wakes the sleeper.
#pragma once

#include <ferry/deadline.hpp>

#include "os/processors.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace ferry::os {

/// What processes sleep on. Its value changes before a sleeper is woken.
using park_word = std::atomic<std::uint32_t>;
static_assert(park_word::is_always_lock_free && sizeof(park_word) == 4);

/// Sleeps until woken, if the word holds `expected`; also returns early for no reason at all, so the caller
/// looks again. A signal ends the sleep as well.
/// @returns whether this sleeper was chosen by `unpark`; false when the word held another value, the time is
///          over, or a signal came
bool park(const park_word& word, std::uint32_t expected, deadline until);

/// Wakes up to `count` of those that sleep on the word, in any process. Async-signal-safe.
/// @returns how many; those who were killed in their sleep are not among them
int unpark(const park_word& word, int count) noexcept;
int unpark_all(const park_word& word) noexcept;

/// No thread sleeps longer than this without looking at the state of things again: a process that is killed
/// between changing a word and waking its sleepers delays them by at most that. Rare enough to cost nothing.
inline constexpr std::chrono::milliseconds heartbeat{100};
inline deadline next_heartbeat(deadline until) {
  if (until.is_immediate()) return until;
  const auto beat = deadline::clock::now() + heartbeat;
  return until.is_never() ? deadline(beat)
                          : deadline(std::min(beat, deadline::clock::now() + until.remaining()));
}

/// Looks a few times before sleeping: what a process on the other processor is about to do is cheaper to see
/// than to be woken for. One for each object, in each process or in shared memory; its figure may be raced
/// for, which does no harm.
///
/// Looks for about as long as it takes to fall asleep and be woken, so that two who hand something to and fro
/// stay awake, and a wait costs at most twice what the better choice would have cost. Where looking failed
/// several times in a row, it looks for a shorter time, but now and then for the whole again: if both sides
/// had given that up, each would always find the other asleep. Not at all on a single processor.
///
/// A look takes the cache line from the thread that is about to change it. One that got several things in a
/// row without a wait is on the heels of a thread that makes one after another, and would slow that down by
/// looking all the time: so it looks less often, and finds several again.
class adaptive_spin {
 public:
  /// @param ready  looks whether the wait is over; called repeatedly
  /// @returns whether it is
  template <class Ready>
  bool operator()(Ready&& ready) noexcept(noexcept(ready())) {
    const std::uint16_t failures = failures_.load(std::memory_order_relaxed);
    const std::uint32_t pause =
        std::clamp(pause_for_each * in_a_row_.load(std::memory_order_relaxed), 1U, longest_pause);
    in_a_row_.store(0, std::memory_order_relaxed);
    for (std::uint32_t left = turns_after(failures); left != 0; left -= std::min(left, pause)) {
      if (ready()) {
        if (failures != 0) failures_.store(0, std::memory_order_relaxed);
        return true;
      }
      for (std::uint32_t turn = 0; turn < pause; ++turn) relax();
    }
    failures_.store(static_cast<std::uint16_t>(failures + 1), std::memory_order_relaxed);
    return false;
  }
  /// For who need not wait this time.
  void not_needed() noexcept {
    const std::uint16_t before = in_a_row_.load(std::memory_order_relaxed);
    if (before * pause_for_each < longest_pause)
      in_a_row_.store(static_cast<std::uint16_t>(before + 1), std::memory_order_relaxed);
  }

  /// Tells the processor that this thread does nothing useful for a moment.
  static void relax() noexcept;

 private:
  // In turns, each of about 15 to 40 ns. The least still sees the answer of a peer that is awake.
  static constexpr std::uint32_t least = 100, most = 3200;
  static constexpr std::uint32_t whole_again = 16;
  static constexpr std::uint32_t pause_for_each = 8, longest_pause = 128;  // between two looks

  static std::uint32_t turns_after(std::uint32_t failures) noexcept;

  std::atomic<std::uint16_t> failures_{0};  // in a row
  std::atomic<std::uint16_t> in_a_row_{0};  // without a wait
};

inline void adaptive_spin::relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb");
#endif
}

}  // namespace ferry::os
