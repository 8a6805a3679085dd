// SPDX-License-Identifier: BSL-1.0
// An array in memory that processes share.
#pragma once

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/shared_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// An array of T in shared memory whose size is fixed when it is made: copies, here and in other processes,
/// refer to the same elements. What T may be, and what concurrent use needs, is as for `shared_value`.
///
///   ferry::shared_array<double> samples(1'000'000);
///   std::ranges::sort(samples);
template <class T>
class shared_array {
  static_assert(detail::require_shareable<T>());

 public:
  using value_type = T;
  using iterator = T*;

  /// `size` elements, value-initialised (zero for numbers).
  /// @param size  at least 1
  /// @throws system_error  as `shared_memory`
  explicit shared_array(std::size_t size) : shared_array(shared_memory(bytes_for(size))) {
    std::uninitialized_value_construct(begin(), end());
  }
  /// A copy of what `elements` holds.
  explicit shared_array(std::span<const T> elements) requires std::is_trivially_copyable_v<T>
      : shared_array(shared_memory(bytes_for(elements.size()))) {
    std::ranges::copy(elements, data());
  }

  shared_array(const shared_array&) = default;
  shared_array(shared_array&& other) noexcept
      : memory_(std::move(other.memory_)), data_(std::exchange(other.data_, nullptr)) {}
  shared_array& operator=(const shared_array&) = default;
  shared_array& operator=(shared_array&& other) noexcept {
    shared_array fresh(std::move(other));
    std::swap(memory_, fresh.memory_);
    std::swap(data_, fresh.data_);
    return *this;
  }
  ~shared_array() = default;

  std::size_t size() const { return memory().size() / sizeof(T); }
  T* data() const { return &detail::held(data_, "shared_array"); }
  T* begin() const { return data(); }
  T* end() const { return data() + size(); }
  std::span<T> span() const { return {data(), size()}; }
  T& operator[](std::size_t index) const { return data()[index]; }
  /// @throws std::out_of_range
  T& at(std::size_t index) const {
    if (index >= size())
      throw std::out_of_range("shared_array of " + std::to_string(size()) + " elements has none at index " +
                              std::to_string(index));
    return data()[index];
  }

  /// The memory in which the elements live.
  const shared_memory& memory() const {
    data();
    return memory_;
  }
  /// False when it was moved from.
  bool valid() const noexcept { return data_ != nullptr; }

 private:
  friend struct reducer<shared_array>;
  explicit shared_array(shared_memory memory)
      : memory_(std::move(memory)), data_(reinterpret_cast<T*>(memory_.span().data())) {}
  // A product that does not fit becomes a size that no memory has.
  static std::size_t bytes_for(std::size_t size) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    return size > most / sizeof(T) ? most : size * sizeof(T);
  }

  shared_memory memory_;
  T* data_;
};

namespace detail {
struct shared_array_name {
  static constexpr std::string_view name = "ferry.shared_array";
};
}  // namespace detail

/// Crosses as its memory.
template <class T>
struct reducer<shared_array<T>> {
  static constexpr auto name = detail::shareable_wire_name<detail::shared_array_name, T>::value;
  static std::tuple<shared_memory> reduce(const shared_array<T>& array) { return array.memory(); }
  /// @throws archive_error  when the memory is not of the size of whole elements
  static shared_array<T> rebuild(shared_memory memory) {
    detail::check_shareable(memory, sizeof(T), false, name);
    return shared_array<T>(std::move(memory));
  }
};

}  // namespace ferry
