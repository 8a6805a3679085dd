// SPDX-License-Identifier: BSL-1.0
// Semaphores that programs find by name, Python's locks among them.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

namespace ferry {

/// A POSIX semaphore with a name: what is behind every `Lock`, `Semaphore` and `BoundedSemaphore` of Python's
/// `multiprocessing`. In a Python context other than fork its name is `lock._semlock.name`; Python attaches
/// to one of ours by `_multiprocessing.SemLock._rebuild(0, 1, maximum, name)`.
///
///   auto lock = ferry::named_semaphore::open(name_from_python);
///   lock.acquire();
///
/// Prefer `semaphore` where it can be handed over: a name is left behind by a process that is killed, any
/// process of the same user can use it, and the system does not know who holds a permit, so that one of a
/// killed process is lost.
///
/// A value: copies are the same semaphore. It crosses, by its name, to a child that is being started, or
/// anywhere by `transfer::duplicate`, and must still have its name then. Thread-safe. Taking a permit that is
/// there makes no system call.
class named_semaphore {
 public:
  /// Makes a new one. Its name goes away by `unlink()`, at the latest with the last copy in this process.
  /// @param value  permits at first
  /// @param name  '/' and up to 249 characters without '/' and NUL; empty: one is made up, "/mp-" and 8
  ///              hexadecimal digits
  /// @throws usage_error  when the value is not possible
  /// @throws system_error  `std::errc::file_exists` when the name is taken; `std::errc::invalid_argument`
  ///                       when it is not possible
  static named_semaphore create(std::ptrdiff_t value, std::string_view name = {});
  /// Opens one, whichever program made it. Never unlinks it.
  /// @throws system_error  `std::errc::no_such_file_or_directory` when no semaphore has that name
  static named_semaphore open(std::string_view name);

  /// The most permits there can be.
  static std::ptrdiff_t max() noexcept;

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

  /// Gives permits back, one after the other. Does not block.
  /// @throws usage_error  when count is less than 1
  /// @throws system_error  `std::errc::value_too_large` when there would be more than `max()`
  void release(std::ptrdiff_t count = 1) const;

  /// Permits that can be taken; may be out of date at once.
  std::ptrdiff_t value() const;

  const std::string& name() const;
  /// Removes the name; the semaphore stays for those who have it. Only in the process that created it.
  /// @throws system_error  when the name is gone already, or another process created it
  void unlink() const;

  /// In words: its name and value.
  friend std::ostream& operator<<(std::ostream& out, const named_semaphore& shown);

  /// False when it was moved from.
  bool valid() const noexcept { return state_ != nullptr; }

 private:
  struct state;
  const state& held() const;
  explicit named_semaphore(std::shared_ptr<const state> shared) noexcept : state_(std::move(shared)) {}

  std::shared_ptr<const state> state_;  // never null but after a move
};

/// Crosses as its name.
template <>
struct reducer<named_semaphore> {
  static constexpr std::string_view name = "ferry.named_semaphore";
  static constexpr bool guarded = true;
  static std::tuple<const std::string&> reduce(const named_semaphore& shared) { return {shared.name()}; }
  /// @throws system_error  when the name is gone
  static named_semaphore rebuild(const std::string& called) { return named_semaphore::open(called); }
};

}  // namespace ferry
