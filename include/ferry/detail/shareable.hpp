// Which types may live in memory that processes share.
#pragma once

#include <atomic>
#include <type_traits>

namespace ferry::detail {

template <class T>
inline constexpr bool is_atomic = false;
template <class T>
inline constexpr bool is_atomic<std::atomic<T>> = true;

template <class T>
consteval bool is_shareable_atomic() {
  if constexpr (is_atomic<T>) {
    return T::is_always_lock_free;
  } else {
    return false;
  }
}

/// Ends the compilation, with a text for the user, when T cannot live in shared memory.
template <class T>
consteval bool require_shareable() {
  static_assert(
      std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
      "ferry: shared memory holds objects: name a type that is no reference, function, const or volatile");
  static_assert(!std::is_array_v<T>, "ferry: share arrays as ferry::shared_array<T>, or std::array<T, size>");
  static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T>,
                "ferry: a pointer means nothing in another process; share an index or an offset instead");
  static_assert(!is_atomic<T> || is_shareable_atomic<T>(),
                "ferry: this std::atomic is not lock-free: its lock would live in one process alone");
  static_assert(
      is_atomic<T> || std::is_trivially_copyable_v<T>,
      "ferry: only trivially copyable types and lock-free std::atomic may live in shared memory: what "
      "a container or string owns stays in one process. Send it as a message instead");
  static_assert(alignof(T) <= 4096, "ferry: shared memory is aligned to 4096 bytes at most");
  return true;
}

}  // namespace ferry::detail
