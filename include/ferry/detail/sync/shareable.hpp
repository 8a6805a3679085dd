// SPDX-License-Identifier: BSL-1.0
// Types that may live in memory that processes share.
#pragma once

#include <ferry/detail/archive/type_name.hpp>
#include <ferry/shared_memory.hpp>

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
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

/// "<T>" behind `Template`, a type with static `name`: put together when it is first asked for.
template <class Template, class T>
struct name_with_argument {
  operator std::string_view() const {  // NOLINT(google-explicit-constructor)
    static const std::string name = made();
    return name;
  }

 private:
  static std::string made() {
    std::string name(Template::name);
    name += '<';
    name += type_name_of<T>();
    name += '>';
    return name;
  }
};
template <class Template, class T>
struct shareable_wire_name {
  static constexpr name_with_argument<Template, T> value{};
};

/// @throws archive_error  unless `memory`, as it arrived, can be used as elements of `element_size` bytes
/// @param only_one  it must be exactly one element
void check_shareable(const shared_memory& memory, std::size_t element_size, bool only_one,
                     std::string_view name);

}  // namespace ferry::detail
