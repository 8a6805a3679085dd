// SPDX-License-Identifier: BSL-1.0
// Condition variables: waiting, with a lock released, until another process says that something has changed.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/mutex.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry {

namespace detail {

class condition_state;

template <class Lock>
inline constexpr bool is_shared_lock = false;
template <class Mutex>
inline constexpr bool is_shared_lock<std::unique_lock<Mutex>> =
    std::is_same_v<std::remove_const_t<Mutex>, mutex> ||
    std::is_same_v<std::remove_const_t<Mutex>, recursive_mutex>;

/// Ends the compilation, with a text for the user, when a condition variable cannot wait with that.
template <class Lock>
consteval bool require_shared_lock() {
  static_assert(is_shared_lock<Lock>,
                "ferry: a ferry::condition_variable waits with a std::unique_lock of a ferry::mutex or "
                "ferry::recursive_mutex: other processes cannot take the lock of another kind");
  return true;
}

/// The lock of one who waits, whatever its type.
class lock_in_wait {
 public:
  template <class Mutex>
  explicit lock_in_wait(std::unique_lock<Mutex>& lock) noexcept
      : lock_(&lock),
        state_(lock.mutex() != nullptr && lock.owns_lock() ? &lock.mutex()->state() : nullptr),
        unlock_([](void* which) { static_cast<std::unique_lock<Mutex>*>(which)->unlock(); }),
        relock_([](void* which) { static_cast<std::unique_lock<Mutex>*>(which)->lock(); }) {}

  /// @throws system_error  when this thread does not hold it
  void release();
  /// To where it was. @throws owner_died
  void take_again();

 private:
  void* lock_;
  lock_state* state_;
  void (*unlock_)(void*);
  void (*relock_)(void*);
  std::uint32_t depth_ = 0;
};

}  // namespace detail

/// A condition variable among processes, with the interface of `std::condition_variable`. It waits with a
/// `std::unique_lock` of a `mutex` or `recursive_mutex`; the latter is released all the way and taken again
/// as often as it was held.
///
/// A notification wakes as many waiters as it says, in whatever process. It waits for no process, so a waiter
/// that is killed in its sleep holds up no other; it may be the cause of a spurious wake-up later. Notifying
/// needs no lock, makes no system call when no thread waits, and is async-signal-safe.
///
/// Prefer the forms with a predicate: they look for themselves every 100 ms, so that even a notifier that is
/// killed after it changed something, and before it says so, holds up no waiter.
///
/// When the lock is taken again and its owner has died, every form throws `owner_died`, as `lock()` does; the
/// `std::unique_lock` does not own the lock then.
///
/// A value: copies, here and in other processes, are the same condition variable. It crosses to a child that
/// is being started, or anywhere by `transfer::duplicate`. Thread-safe.
///
///   std::unique_lock lock(guard);
///   changed.wait(lock, [&] { return *level > 3; });
class condition_variable {
 public:
  /// In memory of its own, which takes a descriptor.
  /// @throws system_error  when memory or descriptors have run out
  condition_variable();
  /// @param in  takes 64 bytes there
  /// @throws system_error  when the arena is full
  explicit condition_variable(const arena& in);

  void notify_one() const { notify(1); }
  void notify_all() const;
  /// Wakes `count` of those who wait, all if they are fewer.
  void notify(std::size_t count) const;

  /// Blocks until notified.
  /// @param lock  held by the calling thread
  /// @throws system_error  `std::errc::operation_not_permitted` when it is not; or when 65535 wait already
  /// @throws owner_died  see above
  template <class Lock>
  void wait(Lock& lock) const {
    if constexpr (detail::require_shared_lock<Lock>()) wait_until(lock, deadline::never());
  }
  /// Blocks until `ready()`, which is called with the lock held.
  template <class Lock, class Ready>
  void wait(Lock& lock, Ready ready) const {
    if constexpr (detail::require_shared_lock<Lock>()) wait_until(lock, deadline::never(), std::move(ready));
  }

  /// Blocks until notified, or for that long; longer if the lock is not free then.
  template <class Lock, class Rep, class Period>
  std::cv_status wait_for(Lock& lock, std::chrono::duration<Rep, Period> time) const {
    return wait_until(lock, deadline::after(time));
  }
  template <class Lock, class Clock, class Duration>
  std::cv_status wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> until) const {
    return wait_until(lock, deadline::at(until));
  }
  template <class Lock>
  std::cv_status wait_until(Lock& lock, deadline until) const {
    static_assert(detail::require_shared_lock<Lock>());
    if constexpr (detail::is_shared_lock<Lock>) {
      detail::lock_in_wait held(lock);
      return sleep(held, until) ? std::cv_status::no_timeout : std::cv_status::timeout;
    }
  }

  /// Blocks until `ready()`, or for that long. @returns what `ready()` said last
  template <class Lock, class Rep, class Period, class Ready>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> time, Ready ready) const {
    return wait_until(lock, deadline::after(time), std::move(ready));
  }
  template <class Lock, class Clock, class Duration, class Ready>
  bool wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> until, Ready ready) const {
    return wait_until(lock, deadline::at(until), std::move(ready));
  }
  template <class Lock, class Ready>
  bool wait_until(Lock& lock, deadline until, Ready ready) const {
    static_assert(detail::require_shared_lock<Lock>());
    if constexpr (detail::is_shared_lock<Lock>) {
      detail::lock_in_wait held(lock);
      while (!ready()) {
        if (until.expired()) return false;
        sleep_a_while(held, until);
      }
    }
    return true;
  }

  /// How many wait, in all processes. Those who were killed in their sleep are among them until they have
  /// been notified. May be out of date at once.
  std::size_t waiting() const;

  /// False when it was moved from.
  bool valid() const noexcept { return location_.valid(); }
  /// Whether both are the same condition variable.
  friend bool operator==(const condition_variable& left, const condition_variable& right) noexcept {
    return left.location_ == right.location_;
  }
  friend std::ostream& operator<<(std::ostream& out, const condition_variable& condition);

 private:
  friend struct reducer<condition_variable>;
  explicit condition_variable(detail::shared_location arrived) noexcept : location_(std::move(arrived)) {}

  detail::condition_state& state() const;
  // @returns whether it was notified
  bool sleep(detail::lock_in_wait& lock, deadline until) const;
  // For no longer than a heartbeat.
  void sleep_a_while(detail::lock_in_wait& lock, deadline until) const;

  detail::shared_location location_;
};

/// Crosses as the memory it is in, and its offset there.
template <>
struct reducer<condition_variable> {
  static constexpr std::string_view name = "ferry.condition_variable";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const condition_variable& condition);
  /// @throws archive_error  unless there is a condition variable at that offset
  static condition_variable rebuild(unique_handle memory, std::uint64_t offset);
};

}  // namespace ferry
