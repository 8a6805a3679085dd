// SPDX-License-Identifier: BSL-1.0
// Waiting for the other side of a queue: awake for a moment, then asleep until woken.
//
// A sleeper asks to be woken by a flag, not by a count: if it is killed, the flag costs the other side one
// superfluous call of the system and nothing else. The flag is cleared by the process that wakes, and set
// again by the one that was woken when it leaves, so that at most one wake-up is under way: others who sleep
// cost a busy queue nothing, and are woken one by one while there is something for them. Where a chain of
// wake-ups breaks, since who was to go on with it has been killed, the others look again at their next
// heartbeat.
#pragma once

#include <ferry/deadline.hpp>

#include "os/park.hpp"
#include "queue/ring_layout.hpp"

#include <utility>

namespace ferry::detail {

/// To be called after a store that a process may sleep for. That store is sequentially consistent, as are the
/// store of the flag and the look of the one that goes to sleep: one of the two sees what the other one
/// stored.
inline void wake_one(sleeping_place& place) noexcept {
  if (place.asleep.load(std::memory_order_seq_cst) == 0) return;
  if (place.asleep.exchange(0, std::memory_order_seq_cst) == 0) return;
  place.sequence.fetch_add(1, std::memory_order_seq_cst);
  os::unpark(place.sequence, 1);
}

/// For what all sleepers must know of.
inline void wake_all(sleeping_place& place) noexcept {
  place.sequence.fetch_add(1, std::memory_order_seq_cst);
  os::unpark_all(place.sequence);
}

/// One blocking wait: spin, then park, until ready or timed out.
/// @tparam Ready  tells whether to look again; by sequentially consistent loads
template <class Ready>
class waiting_turn {
 public:
  waiting_turn(sleeping_place& place, os::adaptive_spin& spin, Ready ready) noexcept
      : place_(place), spin_(spin), ready_(std::move(ready)) {}
  /// Any other sleeper is to be woken next, by others or, if there is enough for two, at once.
  ~waiting_turn() {
    if (!spun_) spin_.not_needed();
    if (!slept_) return;
    place_.asleep.store(1, std::memory_order_seq_cst);
    if (ready_()) wake_one(place_);
  }
  waiting_turn(const waiting_turn&) = delete;
  waiting_turn& operator=(const waiting_turn&) = delete;

  /// @returns true to look again; false when `until` has passed, and so had it at the last look
  bool operator()(deadline until) {
    if (until.expired()) return false;
    if (!std::exchange(spun_, true) && spin_(ready_)) return true;
    // Read before the flag is set: who clears it from then on, for an item that is gone by now, changes the
    // sequence after that, and then there is no falling asleep on it with the flag down.
    const std::uint32_t sequence = place_.sequence.load(std::memory_order_seq_cst);
    place_.asleep.store(1, std::memory_order_seq_cst);
    if (ready_()) return true;
    slept_ = true;
    os::park(place_.sequence, sequence, os::next_heartbeat(until));
    return true;
  }
  /// Whether this wait has slept, so that a heartbeat may be over.
  bool slept() const noexcept { return slept_; }

 private:
  sleeping_place& place_;
  os::adaptive_spin& spin_;
  Ready ready_;
  bool spun_ = false, slept_ = false;
};

}  // namespace ferry::detail
