// SPDX-License-Identifier: BSL-1.0
// Operating-system handles: one type that owns, one that borrows. Neither is an int or a bool by accident.
#pragma once

#include <ferry/detail/base/language.hpp>

#include <compare>
#include <utility>

namespace ferry {

#ifdef _WIN32
using native_handle_type = void*;
inline constexpr native_handle_type invalid_native_handle = nullptr;
#else
using native_handle_type = int;
inline constexpr native_handle_type invalid_native_handle = -1;
#endif

/// A borrowed handle. Cheap to copy; valid only as long as its owner keeps it open.
class handle_view {
 public:
  constexpr handle_view() noexcept = default;
  constexpr explicit handle_view(native_handle_type native) noexcept : native_(native) {}
  constexpr native_handle_type native() const noexcept { return native_; }
  constexpr bool valid() const noexcept { return native_ != invalid_native_handle; }
  friend constexpr bool operator==(handle_view, handle_view) noexcept = default;

 private:
  native_handle_type native_ = invalid_native_handle;
};

/// An owned handle: closed when dropped, never inherited by a program started behind Ferry's back
/// (close-on-exec). Movable, not copyable. Not thread-safe, like any value.
class unique_handle {
 public:
  unique_handle() noexcept = default;
  /// Takes ownership of `native`.
  explicit unique_handle(native_handle_type native) noexcept : native_(native) {}
  unique_handle(unique_handle&& other) noexcept : native_(other.release()) {}
  unique_handle& operator=(unique_handle&& other) noexcept {
    if (this != &other) {
      reset();
      native_ = other.release();
    }
    return *this;
  }
  unique_handle(const unique_handle&) = delete;
  unique_handle& operator=(const unique_handle&) = delete;
  ~unique_handle() { reset(); }

  native_handle_type native() const noexcept { return native_; }
  bool valid() const noexcept { return native_ != invalid_native_handle; }
  handle_view view() const noexcept { return handle_view(native_); }
  // NOLINTNEXTLINE(google-explicit-constructor): an owner may be lent without ceremony
  operator handle_view() const noexcept { return view(); }

  /// Gives up ownership without closing.
  [[nodiscard]] native_handle_type release() noexcept {
    return std::exchange(native_, invalid_native_handle);
  }
  /// Closes the handle now. Does nothing if it holds no handle.
  void reset() noexcept;

 private:
  native_handle_type native_ = invalid_native_handle;
};

/// A second handle to the same kernel object, close-on-exec.
/// @throws system_error  when `handle` is not open, or the process is out of descriptors (names the limit)
[[nodiscard]] unique_handle duplicate(handle_view handle);

}  // namespace ferry
