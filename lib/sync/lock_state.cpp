// SPDX-License-Identifier: BSL-1.0
// The rare parts of a mutex: taking it over from an owner that has ended, and errors.
#include "sync/lock_state.hpp"

#include "os/handle.hpp"

#include <system_error>

namespace ferry::detail {

// A process that is killed in here is the dead owner to the next one, which does it again.
void lock_state::take_over() noexcept {
  if (dead() == 0) dead_.store(inside(), std::memory_order_relaxed);
  keep_order();
  holder_.store(0, std::memory_order_relaxed);
}

void lock_state::make_consistent() {
  if (!is_held_by_this_thread()) refuse("make a mutex consistent that this thread does not hold");
  keep_order();
  dead_.store(0, std::memory_order_relaxed);
}

void lock_state::refuse(const char* what) {
  os::throw_system_error(std::errc::operation_not_permitted, what);
}

}  // namespace ferry::detail
