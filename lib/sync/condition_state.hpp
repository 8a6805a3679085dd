// SPDX-License-Identifier: BSL-1.0
// The state of a condition variable in shared memory.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// Everything in one word, so that a notification is one instruction: a sequence number, which changes with
/// each notification that finds a waiter; how many wait; and how many of those who waited were notified and
/// have not gone yet. A notification moves waiters to the notified; one who wakes, for whatever reason, goes
/// if there is a notified one left for him to be. So exactly as many go as were notified, no waiter that came
/// later takes their place, and no notifier waits for an answer.
///
/// One who is killed while he waits is counted until he has been notified too, and then another one may be
/// woken in his place, which is what a spurious wake-up is. It lives in memory filled with zeros.
class condition_state {
 public:
  /// Counts the caller among those who wait; before it lets go of its lock, so that it misses nothing.
  /// @returns the sequence number to wait with
  /// @throws system_error  when 65535 wait
  std::uint32_t enter();
  /// Sleeps until notified after `entered`. @returns whether it was, or the time is over; it has left then
  bool sleep(std::uint32_t entered, deadline until);
  /// Stops waiting. @returns whether it was notified
  bool leave(std::uint32_t entered) noexcept;
  /// Async-signal-safe.
  void notify(std::uint32_t count) noexcept;

  std::uint32_t waiting() const noexcept;

 private:
  bool take_notification(std::uint32_t entered) noexcept;

  std::atomic<std::uint64_t> word_;
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

constexpr shared_kind condition_kind = make_shared_kind("cond");

}  // namespace ferry::detail
