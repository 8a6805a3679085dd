// SPDX-License-Identifier: BSL-1.0
// One value in memory that processes share.
#pragma once

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/shared_memory.hpp>

#include <new>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// A T in shared memory: copies, here and in other processes, refer to the same T, as pointers would.
///
/// T is trivially copyable, or a lock-free `std::atomic`. Processes that use a plain T at the same time need
/// a lock, or `std::atomic_ref`, exactly as threads do.
///
///   ferry::shared_value<std::atomic<int>> hits(0);
///   ferry::process worker(ferry::fn<&count>, hits);   // counts with ++*hits
template <class T>
class shared_value {
  static_assert(detail::require_shareable<T>());

 public:
  using value_type = T;

  /// @param initial  what T is constructed from; nothing: `T()`
  /// @throws system_error  as `shared_memory`
  template <class... Args>
  requires std::is_constructible_v<T, Args...>
  explicit shared_value(Args&&... initial) : memory_(sizeof(T)) {
    value_ = ::new (memory_.span().data()) T(std::forward<Args>(initial)...);
  }
  shared_value(const shared_value&) = default;
  shared_value(shared_value&) = default;  // preferred to the constructor above
  shared_value(shared_value&& other) noexcept
      : memory_(std::move(other.memory_)), value_(std::exchange(other.value_, nullptr)) {}
  shared_value& operator=(const shared_value&) = default;
  shared_value& operator=(shared_value&& other) noexcept {
    shared_value fresh(std::move(other));
    std::swap(memory_, fresh.memory_);
    std::swap(value_, fresh.value_);
    return *this;
  }
  ~shared_value() = default;

  T& get() const { return detail::held(value_, "shared_value"); }
  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }
  /// A copy of the value; not atomic unless T is.
  auto load() const {
    if constexpr (detail::is_atomic<T>) {
      return get().load();
    } else {
      return T(get());
    }
  }
  /// Replaces the value; not atomic unless T is.
  template <class Value>
  void store(Value&& value) const {
    get() = std::forward<Value>(value);
  }

  /// The memory in which the value lives.
  const shared_memory& memory() const {
    get();
    return memory_;
  }
  /// False when it was moved from.
  bool valid() const noexcept { return value_ != nullptr; }

 private:
  friend struct reducer<shared_value>;
  struct existing {};
  shared_value(existing, shared_memory memory) : memory_(std::move(memory)) {
    value_ = std::launder(reinterpret_cast<T*>(memory_.span().data()));
  }

  shared_memory memory_;
  T* value_;
};

namespace detail {
struct shared_value_name {
  static constexpr std::string_view name = "ferry.shared_value";
};
}  // namespace detail

/// Crosses as its memory.
template <class T>
struct reducer<shared_value<T>> {
  static constexpr auto name = detail::shareable_wire_name<detail::shared_value_name, T>::value;
  static std::tuple<shared_memory> reduce(const shared_value<T>& value) { return value.memory(); }
  /// @throws archive_error  when the memory is not of the size of a T
  static shared_value<T> rebuild(shared_memory memory) {
    detail::check_shareable(memory, sizeof(T), true, name);
    return shared_value<T>(typename shared_value<T>::existing{}, std::move(memory));
  }
};

}  // namespace ferry
