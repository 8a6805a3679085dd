// SPDX-License-Identifier: BSL-1.0
// Mutexes as values, and the exception that holds one.
#include <ferry/mutex.hpp>

#include "sync/lock_state.hpp"

#include <atomic>
#include <new>
#include <ostream>
#include <string>
#include <utility>

namespace ferry {

/// One level of a lock, released when it goes.
class detail::held_lock {
 public:
  held_lock(shared_location location, lock_state& state) noexcept
      : location_(std::move(location)), state_(state) {}
  held_lock(const held_lock&) = delete;
  held_lock& operator=(const held_lock&) = delete;
  ~held_lock() {
    if (!kept_.load(std::memory_order_relaxed) && state_.is_held_by_this_thread()) state_.unlock();
  }

  void keep() const noexcept { kept_.store(true, std::memory_order_relaxed); }

 private:
  shared_location location_;
  lock_state& state_;
  mutable std::atomic<bool> kept_{false};
};

void owner_died::keep() const noexcept {
  if (held_) held_->keep();
}

namespace detail {

robust_lock::robust_lock(shared_location location, lock_kind kind) : location_(std::move(location)) {
  ::new (location_.address()) lock_state(kind);
}

lock_state& robust_lock::state() const {
  return lock_at(location_);
}

void robust_lock::lock() const {
  if (lock_at(location_).lock(deadline::never()) == lock_result::owner_died) throw_owner_died();
}

void robust_lock::throw_owner_died() const {
  std::shared_ptr<const held_lock> held;
  try {
    held = std::make_shared<const held_lock>(location_, lock_at(location_));
  } catch (...) {
    lock_at(location_).unlock();
    throw;
  }
  throw owner_died(lock_at(location_).dead(), std::move(held));
}

lock_result robust_lock::try_lock() const {
  return lock_at(location_).try_lock();
}

lock_result robust_lock::try_lock_until(deadline until) const {
  return lock_at(location_).lock(until);
}

void robust_lock::unlock() const {
  lock_at(location_).unlock();
}

bool robust_lock::is_consistent() const {
  return lock_at(location_).dead() == 0;
}

void robust_lock::make_consistent() const {
  lock_at(location_).make_consistent();
}

bool robust_lock::is_locked() const {
  return lock_at(location_).owner_thread() != 0;
}

std::int64_t robust_lock::owner() const {
  return is_locked() ? lock_at(location_).inside() : 0;
}

void robust_lock::print(std::ostream& out, const char* name) const {
  const lock_state& now = lock_at(location_);
  const std::int64_t thread = now.owner_thread();
  out << name << '(';
  if (thread == 0) {
    out << "free";
  } else {
    out << "held by thread " << thread << " of process " << now.inside();
    if (now.depth() > 1) out << ", " << now.depth() << " times";
    if (now.has_waiters()) out << ", others wait";
  }
  if (now.dead() != 0) out << ", left inconsistent by process " << now.dead();
  out << ')';
}

}  // namespace detail

mutex::mutex()
    : robust_lock(detail::shared_location(detail::mutex_kind, sizeof(detail::lock_state)),
                  detail::lock_kind::plain) {}

mutex::mutex(const arena& in)
    : robust_lock(detail::shared_location(in, detail::mutex_kind, sizeof(detail::lock_state)),
                  detail::lock_kind::plain) {}

std::ostream& operator<<(std::ostream& out, const mutex& lock) {
  lock.print(out, "ferry::mutex");
  return out;
}

recursive_mutex::recursive_mutex()
    : robust_lock(detail::shared_location(detail::recursive_mutex_kind, sizeof(detail::lock_state)),
                  detail::lock_kind::recursive) {}

recursive_mutex::recursive_mutex(const arena& in)
    : robust_lock(detail::shared_location(in, detail::recursive_mutex_kind, sizeof(detail::lock_state)),
                  detail::lock_kind::recursive) {}

std::ostream& operator<<(std::ostream& out, const recursive_mutex& lock) {
  lock.print(out, "ferry::recursive_mutex");
  return out;
}

}  // namespace ferry
