// SPDX-License-Identifier: BSL-1.0
// Events: flags that processes wait for.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

namespace detail {
struct event_state;
}  // namespace detail

/// A flag that is set and cleared, and that any number of processes and threads wait for.
///
///   ferry::event stop;
///   ferry::process worker(ferry::fn<&work>, stop);           // while (!stop.wait_for(1s)) ...
///   std::signal(SIGTERM, [](int) { global_stop->set(); });   // `set` may be called in a signal handler
///
/// A waiter is let go by `set()` even if `clear()` follows at once. No process waits for a waiter: one that
/// is killed holds up no other.
///
/// A value: copies, here and in other processes, are the same event. It crosses to a child that is being
/// started, or anywhere by `transfer::duplicate`. Thread-safe. Only `set` on an event that is waited for, and
/// waiting itself, make system calls.
class event {
 public:
  /// Not set, in memory of its own, which takes a descriptor.
  /// @throws system_error  when memory or descriptors have run out
  event();
  /// @param in  takes 64 bytes there
  /// @throws system_error  when the arena is full
  explicit event(const arena& in);

  /// Sets it and lets go all who wait. Does not block. Async-signal-safe.
  void set() const;
  /// Does not block. Async-signal-safe.
  void clear() const;
  bool is_set() const;

  /// Blocks until it is set, or has been since this call began.
  void wait() const;
  /// Likewise, for that long at most.
  /// @returns whether it is, or was, set
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(deadline::after(time));
  }
  template <class Clock, class Duration>
  bool wait_until(std::chrono::time_point<Clock, Duration> until) const {
    return wait_until(deadline::at(until));
  }
  bool wait_until(deadline until) const;

  /// Whether both are the same event.
  /// False when it was moved from.
  bool valid() const noexcept { return location_.valid(); }
  friend bool operator==(const event& left, const event& right) noexcept {
    return left.location_ == right.location_;
  }
  /// In words: whether it is set.
  friend std::ostream& operator<<(std::ostream& out, const event& shown);

 private:
  friend struct reducer<event>;
  explicit event(detail::shared_location location) noexcept : location_(std::move(location)) {}
  detail::event_state& state() const;

  detail::shared_location location_;
};

/// Crosses as the memory it is in, and its offset there.
template <>
struct reducer<event> {
  static constexpr std::string_view name = "ferry.event";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const event& shared);
  /// @throws archive_error  unless there is an event at that offset
  static event rebuild(unique_handle memory, std::uint64_t offset);
};

}  // namespace ferry
