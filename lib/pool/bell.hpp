// SPDX-License-Identifier: BSL-1.0
// Listening for the bell that workers ring when they have answered.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/engine.hpp>
#include <ferry/handle.hpp>

#include "os/memory.hpp"
#include "os/park.hpp"

#include <atomic>
#include <cstdint>

namespace ferry {

/// In the shared memory of a bell, which begins as zeros.
struct bell_words {
  static constexpr std::uint32_t nobody = 0, a_waiter = 1, the_keeper = 2;

  alignas(64) os::park_word sequence;                ///< changes whenever the bell is rung
  alignas(64) std::atomic<std::uint32_t> listening;  ///< who sleeps until it is
  std::atomic<std::uint32_t> told;                   ///< whether a worker has told why none is ready
};

struct pool_bell::state {
  state(unique_handle shared, unique_handle raised);

  unique_handle memory, event;
  os::mapping mapped;
  bell_words* words;
};

/// The scheduler's side of a bell. Two threads may listen, each in its own way: a waiter, which waits for
/// nothing but answers, sleeps on the word; the keeper, which has other things to look after as well, waits
/// for the event. Only one of them at a time is woken by the workers.
///
/// Who listens reads the count, looks for answers, and then waits for the count to change: so no ring is
/// missed. A worker that is killed between its answer and its ring is noticed by its death, and one that is
/// stopped there by the next heartbeat.
class bell_listener {
 public:
  explicit bell_listener(pool_bell& bell);

  std::uint32_t count() const noexcept;
  /// The waiter: looks for a moment. @returns whether the count is not `heard` any more
  bool spin(std::uint32_t heard) noexcept;
  /// Sleeps until the count is not `heard` any more or `until` has passed; wakes now and then for no reason.
  void sleep(std::uint32_t heard, deadline until);
  /// Has the keeper's event raised by the next ring.
  /// @returns false when it has rung already since the count was `heard`
  bool call_keeper(std::uint32_t heard) noexcept;
  /// Nobody is to be woken: the waiter is awake.
  void ignore() noexcept;

  void wake_waiter() noexcept;
  void wake_keeper() noexcept;
  /// What `wake_keeper` raises. The bell's own event is in the hands of the workers: one that writes too much
  /// into it would keep waiting whoever writes more.
  handle_view own_event() const noexcept { return own_event_; }

 private:
  pool_bell& bell_;
  unique_handle own_event_;
  os::adaptive_spin spin_;
};

}  // namespace ferry
