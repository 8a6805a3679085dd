// SPDX-License-Identifier: BSL-1.0
// Listening for the doorbell that workers ring when they have answered.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/engine.hpp>
#include <ferry/handle.hpp>

#include "os/memory.hpp"
#include "os/park.hpp"
#include "sync/eventcount.hpp"

#include <atomic>
#include <cstdint>

namespace ferry {

/// In the shared memory of a doorbell, which begins as zeros.
struct doorbell_words {
  alignas(64) std::atomic<std::uint32_t> sequence;  ///< changes whenever the doorbell is rung
  alignas(64) detail::eventcount waiter, keeper;    ///< who sleeps until it is: by the word, by the event
  std::atomic<std::uint32_t> told;                  ///< whether a worker has told why none is ready
};

struct doorbell::state {
  state(unique_handle shared, unique_handle raised);

  unique_handle memory, event;
  os::mapping mapped;
  doorbell_words* words;
};

/// The scheduler's side of a doorbell. Two threads may listen, each in its own way: a waiter, which waits for
/// nothing but answers, sleeps on the word; the keeper, which has other things to look after as well, waits
/// for the event. Only one of them at a time is woken by the workers.
///
/// Who listens reads the count, looks for answers, and then waits for the count to change: so no ring is
/// missed. A worker that is killed between its answer and its ring is noticed by its death, and one that is
/// stopped there by the next heartbeat.
class doorbell_listener {
 public:
  explicit doorbell_listener(doorbell& bell);

  std::uint32_t count() const noexcept;
  /// The waiter: looks for a moment. @returns whether the count is not `heard` any more
  bool spin(std::uint32_t heard) noexcept;
  /// Sleeps until the count is not `heard` any more or `until` has passed; wakes now and then for no reason.
  void sleep(std::uint32_t heard, deadline until);
  /// Has the keeper's event raised by the next ring.
  /// @returns false when it has rung already since the count was `heard`
  bool call_keeper(std::uint32_t heard) noexcept;
  /// No thread is to be woken: the waiter is awake.
  void ignore() noexcept;

  void wake_waiter() noexcept;
  void wake_keeper() noexcept;
  /// What `wake_keeper` raises. The doorbell's own event is in the hands of the workers: one that writes
  /// too much into it would keep all others waiting that write.
  handle_view own_event() const noexcept { return own_event_; }

 private:
  doorbell& bell_;
  unique_handle own_event_;
  os::adaptive_spin spin_;
};

}  // namespace ferry
