// SPDX-License-Identifier: BSL-1.0
// Waiting until something in shared memory changes, without a lock and without a count of those who wait.
#pragma once

#include <ferry/deadline.hpp>

#include "os/park.hpp"

#include <cstdint>

namespace ferry::detail {

/// An event count (D. P. Reed, R. K. Kanodia: "Synchronization with eventcounts and sequencers", 1979) in one
/// word: odd while a thread may sleep on it, and it changes with each notification. So a notifier for which
/// no thread waits makes no system call, and a sleeper that is killed costs one superfluous call and nothing
/// else.
///
/// Who waits:                                 Who notifies:
///   key = prepare_wait();                      change the state in one atomic step
///   look at the state; done?                   notify(count)
///   wait(key, until), and from the start
///
/// Only one wake-up is under way at a time: one who is woken out of several sleepers and leaves, whatever
/// for, passes it on with `leave`. It lives in shared memory filled with zeros.
class eventcount {
 public:
  /// A notification after this does not let `wait` sleep.
  std::uint32_t prepare_wait() noexcept { return word_.fetch_or(1) | 1U; }
  /// Sleeps, for no longer than a heartbeat: a notifier killed between its change and its notification holds
  /// up no sleeper for longer.
  void wait(std::uint32_t key, deadline until) { os::park(word_, key, os::next_heartbeat(until)); }

  /// Async-signal-safe. The caller's change and this load are sequentially consistent, as are `prepare_wait`
  /// and the look after it: one of the two sides sees the other.
  void notify(int count) noexcept {
    if (claim()) os::unpark(word_, count);
  }
  /// The first half of `notify`: whether a thread may sleep, which the caller has to wake then, by this word
  /// or by what else it is known to wait for.
  bool claim() noexcept {
    std::uint32_t seen = word_.load();
    // If it fails, another notifier has just woken a sleeper, which passes it on.
    return (seen & 1U) != 0 && word_.compare_exchange_strong(seen, seen + 1);
  }
  void notify_all() noexcept {
    std::uint32_t seen = word_.load();
    if ((seen & 1U) == 0) return;
    // If it fails, the word has changed all the same, and no thread falls asleep on what it was.
    word_.compare_exchange_strong(seen, seen + 1);
    os::unpark_all(word_);
  }

  /// To be called by who has prepared to wait and does not wait any more: others may still sleep.
  /// @param more  whether there is something for the next one; by sequentially consistent loads
  template <class More>
  void leave(More&& more) noexcept {
    word_.fetch_or(1);
    if (more()) notify(1);
  }

 private:
  os::park_word word_;
};

}  // namespace ferry::detail
