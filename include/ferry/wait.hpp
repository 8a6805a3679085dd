// SPDX-License-Identifier: BSL-1.0
// Waiting for several things at once.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include <concepts>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace ferry {

class connection;

/// Something to wait for, borrowed: a connection (something to receive), a listener (a peer to accept), a
/// process (its end), anything else with a `native_handle()`, or a handle (readable). The object must stay
/// where it is until the wait is over and its result has been looked at.
class waitable {
 public:
  // NOLINTBEGIN(google-explicit-constructor): they stand in lists of things to wait for
  /// @throws system_error  when it is closed
  waitable(connection& what);
  template <class T>
  requires requires(const T& object) {
    { object.native_handle() } -> std::convertible_to<native_handle_type>;
  }
  waitable(T& what) : object_(&what), handle_(what.native_handle()) {
    if constexpr (requires(const T& object) { is_ready(object); })
      is_ready_ = [](const void* object) -> bool { return is_ready(*static_cast<const T*>(object)); };
  }
  waitable(handle_view handle) noexcept : handle_(handle) {}
  waitable(const unique_handle& handle) noexcept : handle_(handle) {}
  // NOLINTEND(google-explicit-constructor)

  handle_view handle() const noexcept { return handle_; }
  friend bool operator==(const waitable& left, const waitable& right) noexcept {
    return left.object_ == right.object_ && left.handle_ == right.handle_;
  }

 private:
  friend class waiting;

  const void* object_ = nullptr;
  handle_view handle_;
  connection* connection_ = nullptr;         // to be helped with what it has not sent yet
  bool (*is_ready_)(const void*) = nullptr;  // of the object, where its handle may be readable for nothing
};

/// What `wait` found ready, in the order in which it was asked for.
class wait_result {
 public:
  explicit wait_result(std::vector<waitable> ready) noexcept : ready_(std::move(ready)) {}

  /// Whether `what` (a connection, a process, a handle, ...) is ready.
  bool contains(const waitable& what) const noexcept;
  bool empty() const noexcept { return ready_.empty(); }
  std::size_t size() const noexcept { return ready_.size(); }
  auto begin() const noexcept { return ready_.begin(); }
  auto end() const noexcept { return ready_.end(); }

 private:
  std::vector<waitable> ready_;
};

/// Waits until at least one of `what` is ready, and tells all that are. The end of a stream counts as ready.
/// A signal does not end the wait. With nothing to wait for it sleeps until `until`.
///
///   if (ferry::wait({control, worker}, 5s).contains(worker)) ...
///
/// @throws system_error  when one of them is closed
wait_result wait_until(std::span<const waitable> what, deadline until);
inline wait_result wait_until(std::initializer_list<waitable> what, deadline until) {
  return wait_until(std::span(what.begin(), what.size()), until);
}

inline wait_result wait(std::span<const waitable> what) {
  return wait_until(what, deadline::never());
}
inline wait_result wait(std::initializer_list<waitable> what) {
  return wait_until(what, deadline::never());
}
/// @param time  a negative one means not to wait at all
template <class Rep, class Period>
wait_result wait(std::span<const waitable> what, std::chrono::duration<Rep, Period> time) {
  return wait_until(what, deadline::after(time));
}
template <class Rep, class Period>
wait_result wait(std::initializer_list<waitable> what, std::chrono::duration<Rep, Period> time) {
  return wait_until(what, deadline::after(time));
}

}  // namespace ferry
