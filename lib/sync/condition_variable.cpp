// SPDX-License-Identifier: BSL-1.0
// Condition variables as values, and what becomes of the lock of one who waits.
#include <ferry/condition_variable.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "sync/condition_state.hpp"
#include "sync/lock_state.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <ostream>
#include <system_error>

namespace ferry {
namespace detail {

void lock_in_wait::release() {
  if (state_ == nullptr || !state_->is_held_by_this_thread())
    os::throw_system_error(std::errc::operation_not_permitted,
                           "wait on a condition variable with a lock that this thread does not hold");
  depth_ = state_->depth();
  for (std::uint32_t inner = 1; inner < depth_; ++inner) state_->unlock();
  unlock_(lock_);
}

// All levels but one belong to the functions that called the one that waits; that last one is the exception's
// if there is one.
void lock_in_wait::take_again() {
  const auto take_the_others = [&] {
    for (std::uint32_t inner = 1; inner < depth_; ++inner) static_cast<void>(state_->try_lock());
  };
  try {
    relock_(lock_);
  } catch (const owner_died&) {
    take_the_others();
    throw;
  }
  take_the_others();
}

}  // namespace detail

condition_variable::condition_variable()
    : location_(detail::condition_kind, sizeof(detail::condition_state)) {
  ::new (location_.address()) detail::condition_state;
}

condition_variable::condition_variable(const arena& in)
    : location_(in, detail::condition_kind, sizeof(detail::condition_state)) {
  ::new (location_.address()) detail::condition_state;
}

detail::condition_state& condition_variable::state() const {
  return *std::launder(reinterpret_cast<detail::condition_state*>(location_.address()));
}

void condition_variable::notify(std::size_t count) const {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  state().notify(static_cast<std::uint32_t>(std::min(count, most)));
}

void condition_variable::notify_all() const {
  notify(std::numeric_limits<int>::max());
}

bool condition_variable::sleep(detail::lock_in_wait& lock, deadline until) const {
  detail::condition_state& here = state();
  const std::uint32_t entered = here.enter();
  try {
    lock.release();
  } catch (...) {
    here.leave(entered);
    throw;
  }
  const bool notified = here.sleep(entered, until);
  lock.take_again();
  return notified;
}

void condition_variable::sleep_a_while(detail::lock_in_wait& lock, deadline until) const {
  sleep(lock, os::next_heartbeat(until));
}

std::size_t condition_variable::waiting() const {
  return state().waiting();
}

std::ostream& operator<<(std::ostream& out, const condition_variable& condition) {
  return out << "ferry::condition_variable(" << condition.waiting() << " waiting)";
}

}  // namespace ferry
