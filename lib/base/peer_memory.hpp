// SPDX-License-Identifier: BSL-1.0
// Bounds-checked access to memory that another process has written or can still write.
#pragma once

#include <gsl/assert>
#include <gsl/span>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

namespace ferry::detail {

/// What a peer sends is judged before it is used, and told as an error. What is here is behind that: an
/// offset or an index that was not judged, or not well, ends the process instead of reaching beyond the
/// memory.
///
/// The T at `offset`, copied. It is read once: what is judged in the copy stays as it is, whatever another
/// process writes meanwhile.
template <class T>
T copy_out(std::span<const std::byte> memory, std::size_t offset = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  T copy;
  std::memcpy(&copy, gsl::span(memory.data(), memory.size()).subspan(offset, sizeof copy).data(),
              sizeof copy);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return copy;
}

/// `count` objects of type T that live in the memory from `offset` on.
/// @pre  the memory is aligned for a T at `offset`
template <class T>
gsl::span<T> objects_in(std::span<std::byte> memory, std::size_t offset, std::size_t count) {
  const gsl::span<std::byte> bytes = gsl::span(memory.data(), memory.size()).subspan(offset);
  Expects(count <= bytes.size() / sizeof(T));
  Expects(reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) == 0);
  if (count == 0) return {};
  return {std::launder(reinterpret_cast<T*>(bytes.data())), count};
}

}  // namespace ferry::detail
