// Which types may live in memory that processes share.
#pragma once

#include <ferry/detail/type_name.hpp>
#include <ferry/shared_memory.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
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

/// Numbers are called as everywhere on the wire: compilers differ in what they call them.
template <class T>
constexpr std::string_view shareable_name() noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_same_v<T, char>) {
    return "char";
  } else if constexpr (std::is_integral_v<T> && sizeof(T) <= 8) {
    constexpr std::array<std::string_view, 4> is_signed = {"i8", "i16", "i32", "i64"},
                                              is_unsigned = {"u8", "u16", "u32", "u64"};
    constexpr std::size_t size = std::bit_width(sizeof(T)) - 1;
    return std::is_signed_v<T> ? is_signed[size] : is_unsigned[size];
  } else if constexpr (std::is_same_v<T, float>) {
    return "f32";
  } else if constexpr (std::is_same_v<T, double>) {
    return "f64";
  } else {
    return spelled_name<T>();
  }
}

/// "<T>" behind `Template`, a type with static `name`, as a constant.
template <class Template, class T>
struct shareable_wire_name {
  static constexpr auto text = [] {
    constexpr std::string_view outer = Template::name, inner = shareable_name<T>();
    std::array<char, outer.size() + inner.size() + 2> joined{};
    char* at = std::copy(outer.begin(), outer.end(), joined.data());
    *at++ = '<';
    at = std::copy(inner.begin(), inner.end(), at);
    *at = '>';
    return joined;
  }();
  static constexpr std::string_view value{text.data(), text.size()};
};

/// @throws archive_error  unless `memory`, as it arrived, can be used as elements of `element_size` bytes
/// @param only_one  it must be exactly one element
void check_shareable(const shared_memory& memory, std::size_t element_size, bool only_one,
                     std::string_view name);

}  // namespace ferry::detail
