// SPDX-License-Identifier: BSL-1.0
// Locks that processes share, and that survive the death of a holder.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/lock_error.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// What became of an attempt to lock. True if the lock is held, so that it stands where a bool is expected.
class [[nodiscard]] lock_result {
 public:
  enum value : std::uint8_t {
    not_acquired,
    acquired,
    owner_died,  ///< acquired, and what it protects may be half changed: see `make_consistent()`
  };

  constexpr lock_result(value is) noexcept : is_(is) {}  // NOLINT(google-explicit-constructor)
  // NOLINTNEXTLINE(google-explicit-constructor): std::unique_lock and std::lock take it for a bool
  constexpr operator bool() const noexcept { return is_ != not_acquired; }
  friend constexpr bool operator==(lock_result left, value right) noexcept { return left.is_ == right; }
  friend constexpr bool operator==(lock_result left, lock_result right) noexcept {
    return left.is_ == right.is_;
  }

 private:
  value is_;
};

namespace detail {

class lock_state;
enum class lock_kind : bool { plain, recursive };

/// What both kinds of lock do. Const throughout: a lock is a reference to what is in shared memory.
class robust_lock {
 public:
  /// Blocks until the calling thread holds the lock.
  /// @throws owner_died  which then holds the lock, when its last owner ended while he held it, and until
  ///                     a holder has called `make_consistent()`
  /// @throws system_error  `std::errc::resource_deadlock_would_occur` when this thread holds it already,
  ///                       unless it is recursive
  void lock() const;

  /// Does not block. Where the owner has died it says so and does not throw.
  /// @returns `not_acquired` also when this thread holds it already, unless it is recursive
  lock_result try_lock() const;
  /// Blocks for that long at most.
  /// @throws system_error  as `lock()`
  template <class Rep, class Period>
  lock_result try_lock_for(std::chrono::duration<Rep, Period> time) const {
    return try_lock_until(deadline::after(time));
  }
  template <class Clock, class Duration>
  lock_result try_lock_until(std::chrono::time_point<Clock, Duration> until) const {
    return try_lock_until(deadline::at(until));
  }
  lock_result try_lock_until(deadline until) const;

  /// @throws system_error  `std::errc::operation_not_permitted` when this thread does not hold it
  void unlock() const;

  /// False from the moment that a thread acquires the lock of an owner that ended, until `make_consistent()`.
  bool is_consistent() const;
  /// Says that what the lock protects is whole again.
  /// @throws system_error  `std::errc::operation_not_permitted` when this thread does not hold it
  void make_consistent() const;

  /// Whether some thread of some process holds it; may be out of date at once.
  bool is_locked() const;
  /// Id of the process that holds it, 0 if none does; may be out of date at once.
  std::int64_t owner() const;

  /// False when it was moved from.
  bool valid() const noexcept { return location_.valid(); }
  /// Whether both are the same lock.
  friend bool operator==(const robust_lock& left, const robust_lock& right) noexcept {
    return left.location_ == right.location_;
  }

 protected:
  robust_lock(shared_location location, lock_kind kind);
  explicit robust_lock(shared_location arrived) noexcept : location_(std::move(arrived)) {}
  ~robust_lock() = default;
  robust_lock(const robust_lock&) = default;
  robust_lock(robust_lock&&) noexcept = default;
  robust_lock& operator=(const robust_lock&) = default;
  robust_lock& operator=(robust_lock&&) noexcept = default;

  const shared_location& location() const noexcept { return location_; }
  void print(std::ostream& out, const char* name) const;

 private:
  friend class lock_in_wait;
  lock_state& state() const;
  [[noreturn]] void throw_owner_died() const;

  shared_location location_;
};

}  // namespace detail

/// A lock among processes, *Lockable* and *TimedLockable* as `std::timed_mutex` is: it works with
/// `std::lock_guard`, `std::unique_lock`, `std::scoped_lock`. The thread that locks it unlocks it.
///
/// When its owner is killed the next one gets it at once, and an `owner_died` with it.
///
/// A value: copies, here and in other processes, are the same mutex. It crosses to a child that is being
/// started, or anywhere by `transfer::duplicate`. Thread-safe. Locking one that is free makes no system call.
///
///   struct account { ferry::mutex guard; ferry::shared_value<long> balance; };
///
///   void deposit(const account& to, long sum) {
///     std::lock_guard lock(to.guard);
///     *to.balance += sum;
///   }
class mutex : public detail::robust_lock {
 public:
  /// In memory of its own, which takes a descriptor.
  /// @throws system_error  when memory or descriptors have run out
  mutex();
  /// @param in  takes 64 bytes there
  /// @throws system_error  when the arena is full
  explicit mutex(const arena& in);

  friend std::ostream& operator<<(std::ostream& out, const mutex& lock);

 private:
  friend struct reducer<mutex>;
  explicit mutex(detail::shared_location arrived) noexcept : robust_lock(std::move(arrived)) {}
};

/// As `mutex`, and the thread that holds it may lock it again; it unlocks it as often.
class recursive_mutex : public detail::robust_lock {
 public:
  /// As the constructors of `mutex`.
  recursive_mutex();
  explicit recursive_mutex(const arena& in);

  friend std::ostream& operator<<(std::ostream& out, const recursive_mutex& lock);

 private:
  friend struct reducer<recursive_mutex>;
  explicit recursive_mutex(detail::shared_location arrived) noexcept : robust_lock(std::move(arrived)) {}
};

/// Crosses as the memory it is in, and its offset there.
template <>
struct reducer<mutex> {
  static constexpr std::string_view name = "ferry.mutex";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const mutex& lock);
  /// @throws archive_error  unless there is a mutex at that offset
  static mutex rebuild(unique_handle memory, std::uint64_t offset);
};

template <>
struct reducer<recursive_mutex> {
  static constexpr std::string_view name = "ferry.recursive_mutex";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const recursive_mutex& lock);
  /// @throws archive_error  unless there is a recursive mutex at that offset
  static recursive_mutex rebuild(unique_handle memory, std::uint64_t offset);
};

}  // namespace ferry
