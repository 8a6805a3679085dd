// SPDX-License-Identifier: BSL-1.0
// The state of an event in shared memory.
#pragma once

#include <ferry/arena.hpp>

#include "os/park.hpp"

namespace ferry::detail {

inline constexpr shared_kind event_kind = make_shared_kind("even");

struct event_state {
  os::park_word word;
  os::adaptive_spin spin;
};

}  // namespace ferry::detail
