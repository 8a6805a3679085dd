// SPDX-License-Identifier: BSL-1.0
// A value between where it is made and where it belongs.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// How large an object may be, in bytes, to lie on the stack while it is read: so little that as many as lie
/// inside one another in a message fit the small stack of a thread.
inline constexpr std::size_t most_on_stack = 256;
/// The same where at most a few are on the stack at a time.
inline constexpr std::size_t most_of_few_on_stack = 4096;

/// Holds what `make()` returns, built in its place: on the stack, or on the heap where it is large.
template <class T, bool IsLarge = (sizeof(T) > most_on_stack)>
class in_passing {
 public:
  template <class Make>
  explicit in_passing(const Make& make) : value_(make()) {}
  T& operator*() noexcept { return value_; }
  const T& operator*() const noexcept { return value_; }
  T&& take() noexcept { return std::move(value_); }

 private:
  T value_;
};
template <class T>
class in_passing<T, true> {
 public:
  template <class Make>
  explicit in_passing(const Make& make) : value_(new T(make())) {}
  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T&& take() noexcept { return std::move(*value_); }

 private:
  std::unique_ptr<T> value_;
};

/// Whether other objects may lie in the bytes of a T: whatever follows the last of its members is theirs,
/// too.
template <class T>
struct with_neighbour {
  [[no_unique_address]] T object;
  char neighbour;
};
template <class T>
consteval bool may_overlap() {
  if constexpr (!std::is_class_v<T>) {
    return false;
  } else {
    return std::is_polymorphic_v<T> || std::is_empty_v<T> || sizeof(with_neighbour<T>) == sizeof(T);
  }
}

/// What `make()` returns, in an optional.
template <class T, class Make>
std::optional<T> optional_of(const Make& make) {
  in_passing<T> made(make);
  return std::optional<T>(made.take());
}

/// Puts `fresh` in the place of an object, which need not be able to be assigned: what assignment does is up
/// to its class, and some want objects of equal size. Only where other objects may lie in the bytes of this
/// one, behind an empty class, a base class or padding at its end, is it assigned, if it can be.
/// @param IsWhole  no other object lies in its bytes
template <bool IsWhole, class T>
void replace(T& object, T&& fresh) {
  if constexpr (!IsWhole && may_overlap<T>() && std::is_move_assignable_v<T>) {
    object = std::move(fresh);
  } else if constexpr (std::is_nothrow_move_constructible_v<T>) {
    std::destroy_at(std::addressof(object));
    ::new (static_cast<void*>(std::addressof(object))) T(std::move(fresh));
  } else {
    in_passing<T> before([&]() -> T { return T(std::move(object)); });
    std::destroy_at(std::addressof(object));
    // There has to be an object afterwards, whatever happens.
    struct restorer {
      T& object;
      in_passing<T>& before;
      bool done = false;
      ~restorer() {
        if (!done) ::new (static_cast<void*>(std::addressof(object))) T(before.take());
      }
    } restore_after{object, before};
    ::new (static_cast<void*>(std::addressof(object))) T(std::move(fresh));
    restore_after.done = true;
  }
}

}  // namespace ferry::detail
