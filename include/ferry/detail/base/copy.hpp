// SPDX-License-Identifier: BSL-1.0
// Bytes put into memory: blocks that are looked at next, often by another process, and numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace ferry::detail {

/// So much at once stays in the caches, in bytes; a half or less of what a processor's second level has.
inline constexpr std::size_t copied_at_once = std::size_t{128} << 10U;

void copy_in_pieces(std::byte* to, const std::byte* from, std::size_t count) noexcept;

/// As std::memcpy, but into the caches, and `from` and `to` may be null when `count` is 0. C libraries copy
/// large blocks with one instruction (`rep movsb`), and processors may take one of more than their
/// second-level cache for a stream that no process looks at soon: what the next process reads comes from
/// memory then. Measured with 1 MiB through shared memory: 25 GB/s in pieces, 9 at once.
inline void copy_bytes(void* to, const void* from, std::size_t count) noexcept {
  if (count > copied_at_once) [[unlikely]] {
    copy_in_pieces(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), count);
  } else if (count != 0) {
    std::memcpy(to, from, count);
  }
}

inline constexpr std::size_t few_bytes = 32;

/// As std::memcpy, for a few bytes, as most strings have: to call it takes longer than to copy them. They go
/// as two parts of one size, the first bytes and the last, which overlap in the middle, as in the memcpy of
/// the C libraries.
/// @pre `count <= few_bytes`
[[gnu::always_inline]] inline void copy_few(std::byte* to, const std::byte* from,
                                            std::size_t count) noexcept {
  const auto copy_ends = [&](auto first) {
    auto last = first;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + (count - sizeof last), sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + (count - sizeof last), &last, sizeof last);
  };
  if (count >= 16) {
    copy_ends(std::array<std::uint64_t, 2>());
  } else if (count >= 8) {
    copy_ends(std::uint64_t());
  } else if (count >= 4) {
    copy_ends(std::uint32_t());
  } else if (count != 0) {
    to[0] = from[0];
    to[count / 2] = from[count / 2];
    to[count - 1] = from[count - 1];
  }
}

/// Writes the bytes of a trivially copyable object to memory without a type. Where that is a number, the
/// compiler is left to see its type, and so that no pointer has been changed by it: bytes may be those of any
/// object, and after each std::memcpy all that is known in registers would be read again. What is written so
/// is read and written again only as bytes, or by std::memcpy.
///
/// The object itself is read by its type where that is a floating-point number. Integers are not: user code
/// passes enumerations as such by a reinterpret_cast.
template <class T>
void store(std::byte* to, const T& object) noexcept {
#ifdef __GNUC__
  // Not of a long double, which has bytes that no number is in: they would stay as they are in memory.
  if constexpr ((std::is_arithmetic_v<T> && !std::is_same_v<T, long double>) || std::is_enum_v<T>) {
    // Of one byte, and yet none of the types whose bytes may be part of anything.
    enum class octet : unsigned char {};
    using stored = std::conditional_t<sizeof(T) == 1, octet, T>;
    struct [[gnu::packed]] unaligned {
      stored number;
    };
    stored number;
    if constexpr (std::is_floating_point_v<T>) {
      number = object;
    } else {
      std::memcpy(&number, &object, sizeof number);
    }
    reinterpret_cast<unaligned*>(to)->number = number;
    return;
  }
#endif
  std::memcpy(to, &object, sizeof object);
}

/// Reads the bytes of a trivially copyable object. Writes that by its type where `store` reads it so.
template <class T>
void fetch(T& object, const std::byte* from) noexcept {
  if constexpr (std::is_floating_point_v<T> && !std::is_same_v<T, long double>) {
    T number;
    std::memcpy(&number, from, sizeof number);
    object = number;
  } else {
    std::memcpy(&object, from, sizeof object);
  }
}

}  // namespace ferry::detail
