// SPDX-License-Identifier: BSL-1.0
// Leading, following and keeping.
#include "pool/turns.hpp"

#include "os/event_handle.hpp"
#include "os/wait.hpp"

#include <gsl/util>

#include <array>
#include <utility>

namespace ferry::detail {

bool turns::wait(lock_type& lock, const std::function<bool()>& ready, deadline until,
                 const std::function<bool()>& comes_back, bool is_keeper) {
  bool led = false, found = ready();
  const auto leave = gsl::finally([&] {
    if (leading_ || (!led && following_ == 0)) return;
    if (following_ != 0)
      changed_.notify_all();  // one of them leads from here on
    else if (!comes_back())
      work_.leave_to_keeper();
  });
  while (!found) {
    // In a callback that waits: no other thread looks after the workers meanwhile.
    if (is_keeper) work_.look_after_workers(lock);
    if (!leading_) {
      led = true;
      lead(lock, until);
    } else if (!until.expired()) {
      follow(lock, is_keeper ? os::next_heartbeat(until) : until);
    }
    found = ready();
    if (until.expired()) break;
  }
  return found;
}

void turns::follow(lock_type& lock, deadline until) {
  ++following_;
  if (until.is_never())
    changed_.wait(lock);
  else
    changed_.wait_until(lock, deadline::clock::now() + until.remaining());
  --following_;
}

void turns::lead(lock_type& lock, deadline until) {
  leading_ = true;
  const auto leave = gsl::finally([&] {
    if (!lock.owns_lock()) lock.lock();
    leading_ = false;
  });
  listener_.ignore();
  if (work_.look(lock) || until.expired()) return;
  const std::uint32_t heard = heard_;
  lock.unlock();
  const bool rang = listener_.spin(heard);
  lock.lock();
  if (rang || work_.look_closer()) return;
  lock.unlock();
  listener_.sleep(heard, until);
}

void turns::changed() noexcept {
  if (following_ != 0) changed_.notify_all();
}

void turns::changed_for_all() noexcept {
  changed_.notify_all();
  if (leading_) listener_.wake_waiter();
}

void turns::call_keeper() noexcept {
  if (std::exchange(keeper_called_, true)) return;
  listener_.wake_keeper();
}

void turns::keeper_sleeps(lock_type& lock, handle_view deaths, deadline wakes, bool leads) {
  keeper_wakes_ = wakes;
  std::array<os::awaited, 3> awaited{os::awaited{.handle = deaths}, os::awaited{.handle = bell_.event()},
                                     os::awaited{.handle = listener_.own_event()}};
  lock.unlock();
  os::wait_any(awaited, leads ? os::next_heartbeat(wakes) : wakes);
  if (awaited[1].ready) os::clear_event(bell_.event());
  if (awaited[2].ready) os::clear_event(listener_.own_event());
  lock.lock();
  keeper_wakes_ = deadline::immediately();
}

}  // namespace ferry::detail
