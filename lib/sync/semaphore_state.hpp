// SPDX-License-Identifier: BSL-1.0
// The state of a semaphore in shared memory.
#pragma once

#include <ferry/arena.hpp>

#include "os/park.hpp"
#include "os/process_identity.hpp"
#include "sync/eventcount.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

inline constexpr shared_kind semaphore_kind = make_shared_kind("sema"),
                             bounded_semaphore_kind = make_shared_kind("bsem");

struct semaphore_state {
  std::atomic<std::int32_t> value;  // not used in the owned form
  std::int32_t limit;               // the most that `value` may become
  eventcount released;
  os::adaptive_spin spin;
};
// The owners of the permits stand behind it.
static_assert(sizeof(semaphore_state) % alignof(std::atomic<os::process_identity>) == 0);

constexpr std::size_t size_of_semaphore(std::uint32_t slots) noexcept {
  return sizeof(semaphore_state) + slots * sizeof(std::atomic<os::process_identity>);
}

}  // namespace ferry::detail
