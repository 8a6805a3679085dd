// SPDX-License-Identifier: BSL-1.0
// Waiting for the other side of a queue: awake for a moment, then asleep until woken.
#pragma once

#include <ferry/deadline.hpp>

#include "os/park.hpp"
#include "sync/eventcount.hpp"

#include <cstdint>
#include <utility>

namespace ferry::detail {

/// One blocking wait: spin, then park, until ready or timed out. The others who sleep in the same place cost
/// a busy queue nothing, and are woken one by one while there is something for them. Where a chain of
/// wake-ups breaks, since who was to go on with it has been killed, they look again at their next heartbeat.
/// @tparam Ready  tells whether to look again; by sequentially consistent loads
template <class Ready>
class waiting_turn {
 public:
  waiting_turn(eventcount& place, os::adaptive_spin& spin, Ready ready) noexcept
      : place_(place), spin_(spin), ready_(std::move(ready)) {}
  /// Any other sleeper is to be woken next, by others or, if there is enough for two, at once.
  ~waiting_turn() {
    if (!spun_) spin_.not_needed();
    if (slept_) place_.leave(ready_);
  }
  waiting_turn(const waiting_turn&) = delete;
  waiting_turn& operator=(const waiting_turn&) = delete;

  /// @returns true to look again; false when `until` has passed, and so had it at the last look
  bool operator()(deadline until) {
    if (until.expired()) return false;
    if (!std::exchange(spun_, true) && spin_(ready_)) return true;
    const std::uint32_t key = place_.prepare_wait();
    if (ready_()) return true;
    slept_ = true;
    place_.wait(key, until);
    return true;
  }
  /// Whether this wait has slept, so that a heartbeat may be over.
  bool slept() const noexcept { return slept_; }

 private:
  eventcount& place_;
  os::adaptive_spin& spin_;
  Ready ready_;
  bool spun_ = false, slept_ = false;
};

}  // namespace ferry::detail
