// SPDX-License-Identifier: BSL-1.0
// Once flags and call_once: doing something once, in whichever process comes first.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry {

namespace detail {
class once_state;
class once_attempt;
}  // namespace detail

/// Remembers among processes whether something has been done: see `call_once`.
///
/// A value: copies, here and in other processes, are the same flag. It crosses to a child that is being
/// started, or anywhere by `transfer::duplicate`. Thread-safe.
class once_flag {
 public:
  /// In memory of its own, which takes a descriptor.
  /// @throws system_error  when memory or descriptors have run out
  once_flag();
  /// @param in  takes 64 bytes there
  /// @throws system_error  when the arena is full
  explicit once_flag(const arena& in);

  bool is_done() const;

  /// Whether both are the same flag.
  /// False when it was moved from.
  bool valid() const noexcept { return location_.valid(); }
  friend bool operator==(const once_flag& left, const once_flag& right) noexcept {
    return left.location_ == right.location_;
  }
  friend std::ostream& operator<<(std::ostream& out, const once_flag& flag);

 private:
  friend struct reducer<once_flag>;
  friend class detail::once_attempt;
  explicit once_flag(detail::shared_location arrived) noexcept : location_(std::move(arrived)) {}
  detail::once_state& state() const;

  detail::shared_location location_;
};

namespace detail {

/// The one who is doing it.
class once_attempt {
 public:
  /// Blocks while another one is.
  explicit once_attempt(const once_flag& flag);
  ~once_attempt();
  once_attempt(const once_attempt&) = delete;
  once_attempt& operator=(const once_attempt&) = delete;

  bool is_needed() const noexcept;
  void succeed() noexcept;

 private:
  once_state& state_;
};

}  // namespace detail

/// Calls `function(arguments...)` unless that has been done, in any process. Blocks while another one does
/// it, and does it itself if that one throws or is killed; so it may find it half done.
/// @throws system_error  `std::errc::resource_deadlock_would_occur` when called for the same flag by
/// `function`
/// @throws what `function` throws
template <class Function, class... Args>
requires std::is_invocable_v<Function, Args...>
void call_once(const once_flag& flag, Function&& function, Args&&... arguments) {
  if (flag.is_done()) return;
  detail::once_attempt attempt(flag);
  if (!attempt.is_needed()) return;
  std::invoke(std::forward<Function>(function), std::forward<Args>(arguments)...);
  attempt.succeed();
}

/// Crosses as the memory it is in, and its offset there.
template <>
struct reducer<once_flag> {
  static constexpr std::string_view name = "ferry.once_flag";
  static constexpr bool guarded = true;
  static std::tuple<handle_view, std::uint64_t> reduce(const once_flag& flag);
  /// @throws archive_error  unless there is a flag at that offset
  static once_flag rebuild(unique_handle memory, std::uint64_t offset);
};

}  // namespace ferry
