// SPDX-License-Identifier: BSL-1.0
// Semaphores: permits that processes take and give back.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {

struct semaphore_state;

/// What all semaphores do. Const throughout: a semaphore is a reference to what is in shared memory.
class shared_semaphore {
 public:
  /// The most permits there can be.
  static constexpr std::ptrdiff_t max() noexcept { return std::numeric_limits<std::int32_t>::max(); }

  /// Takes a permit; blocks until there is one.
  void acquire() const;
  /// Takes a permit if there is one. Does not block.
  bool try_acquire() const;
  /// Takes a permit if there is one within that time.
  /// @returns whether it was taken
  template <class Rep, class Period>
  bool try_acquire_for(std::chrono::duration<Rep, Period> time) const {
    return try_acquire_until(deadline::after(time));
  }
  template <class Clock, class Duration>
  bool try_acquire_until(std::chrono::time_point<Clock, Duration> until) const {
    return try_acquire_until(deadline::at(until));
  }
  bool try_acquire_until(deadline until) const;

  /// Permits that can be taken; may be out of date at once.
  std::ptrdiff_t value() const;

  /// Whether both are the same semaphore.
  /// False when it was moved from.
  bool valid() const noexcept { return location_.valid(); }
  friend bool operator==(const shared_semaphore& left, const shared_semaphore& right) noexcept {
    return left.location_ == right.location_;
  }

 protected:
  shared_semaphore(shared_location location, std::ptrdiff_t value, std::ptrdiff_t limit, std::uint32_t slots);
  shared_semaphore(shared_location arrived, std::uint32_t slots) noexcept
      : location_(std::move(arrived)), slots_(slots) {}
  ~shared_semaphore() = default;
  shared_semaphore(const shared_semaphore&) = default;
  shared_semaphore(shared_semaphore&&) noexcept = default;
  shared_semaphore& operator=(const shared_semaphore&) = default;
  shared_semaphore& operator=(shared_semaphore&&) noexcept = default;

  const shared_location& location() const noexcept { return location_; }
  semaphore_state& state() const;
  std::uint32_t slots() const noexcept { return slots_; }
  void add(std::ptrdiff_t count) const;

 private:
  bool take() const;
  bool take_from_the_dead() const;
  bool sleep_for_it(deadline until) const;

  shared_location location_;
  std::uint32_t slots_;  // of the owned form: one for each permit
};

}  // namespace detail

/// A number of permits, with the operations of `std::counting_semaphore`. Any process or thread may give back
/// what another took, and more than there were at first.
///
/// In the *owned* form permits belong to the process that took them: only that one can give them back, and
/// when it ends, however that happens, the waiters get them.
///
///   ferry::semaphore slots = ferry::semaphore::owned(4);     // four downloads at a time
///   slots.acquire();
///   download();                                              // may be killed in here
///   slots.release();
///
/// A value: copies, here and in other processes, are the same semaphore. It crosses to a child that is being
/// started, or anywhere by `transfer::duplicate`. Thread-safe. Taking a permit that is there, and giving one
/// back that no thread waits for, make no system call, but for the first one of the owned form that a process
/// takes.
class semaphore : public detail::shared_semaphore {
 public:
  /// In memory of its own, which takes a descriptor.
  /// @param value  permits at first
  /// @throws usage_error  when value is not within 0 and `max()`
  /// @throws system_error  when memory or descriptors have run out
  explicit semaphore(std::ptrdiff_t value);
  /// @param in  takes 64 bytes there
  /// @throws usage_error  when value is not within 0 and `max()`
  /// @throws system_error  when the arena is full
  semaphore(const arena& in, std::ptrdiff_t value);

  /// The owned form. A permit of a process that has ended is found within a tenth of a second by those who
  /// wait, and at once by a `try_acquire` that finds no other. A forked child has none of its parent's, and a
  /// process that becomes another program by exec has none left.
  ///
  /// It is the kernel that tells of an end, by a thread that each process has for this from its first
  /// `acquire` on: neither /proc nor one namespace of process ids for all is needed. There may be 1000
  /// processes that live and have tried to take permits; one more gets a `system_error` from `acquire`, and
  /// so does one that may not start a thread.
  /// @param permits  from 1 to `max_owned`; each takes 8 bytes, and all together 24 KB when not in an arena
  static semaphore owned(std::ptrdiff_t permits);
  static semaphore owned(const arena& in, std::ptrdiff_t permits);
  /// To take a permit of the owned form all of them may have to be looked at, which is not for thousands.
  static constexpr std::ptrdiff_t max_owned = 65536;

  bool is_owned() const { return slots() != 0; }

  /// Gives permits back. Does not block. Async-signal-safe when it does not throw.
  /// @throws usage_error  when count is less than 1, or there would be more than `max()`
  /// @throws system_error  `std::errc::operation_not_permitted` in the owned form when this process has
  /// fewer:
  ///                       then it has none left
  void release(std::ptrdiff_t count = 1) const;

  /// Of the owned form, ids of the processes that have permits, one for each permit, as each has it in its
  /// own namespace of ids; otherwise empty. May be out of date at once.
  std::vector<std::int64_t> holders() const;

  /// In words: its value, and who holds the permits of the owned form.
  friend std::ostream& operator<<(std::ostream& out, const semaphore& shown);

 private:
  friend struct reducer<semaphore>;
  using shared_semaphore::shared_semaphore;
};

/// A semaphore that never has more permits than at first: giving back too many is an error, exactly.
class bounded_semaphore : public detail::shared_semaphore {
 public:
  /// As the constructors of `semaphore`.
  explicit bounded_semaphore(std::ptrdiff_t value);
  bounded_semaphore(const arena& in, std::ptrdiff_t value);

  /// Gives permits back, all of them or none. Does not block. Async-signal-safe when it does not throw.
  /// @throws usage_error  when count is less than 1, or there would be more than at first
  void release(std::ptrdiff_t count = 1) const;

  friend std::ostream& operator<<(std::ostream& out, const bounded_semaphore& shown);

 private:
  friend struct reducer<bounded_semaphore>;
  using shared_semaphore::shared_semaphore;
};

/// Crosses as the memory it is in, its offset there, and the number of owned permits (0: not the owned form).
template <>
struct reducer<semaphore> {
  static constexpr std::string_view name = "ferry.semaphore";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t, std::uint32_t> reduce(const semaphore& shared);
  /// @throws archive_error  unless there is such a semaphore at that offset
  static semaphore rebuild(unique_handle memory, std::uint64_t offset, std::uint32_t permits);
};

template <>
struct reducer<bounded_semaphore> {
  static constexpr std::string_view name = "ferry.bounded_semaphore";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const bounded_semaphore& shared);
  /// @throws archive_error  unless there is such a semaphore at that offset
  static bounded_semaphore rebuild(unique_handle memory, std::uint64_t offset);
};

}  // namespace ferry
