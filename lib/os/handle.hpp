// SPDX-License-Identifier: BSL-1.0
// Handles: what the public header leaves to the platform.
#pragma once

#include <ferry/handle.hpp>

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ferry::os {

/// The number by which this process knows it, for texts and for others who may ask for it.
std::int32_t number_of(handle_view handle) noexcept;

/// True if both are handles to the very same open object; false also where the system cannot tell.
bool same_object(handle_view a, handle_view b);

/// Whether closing the handle may wait for a peer: a socket that is to linger until its peer has taken
/// everything.
bool lingers(handle_view handle) noexcept;

/// Makes a socket not linger when it is closed; does nothing to anything else.
void forbid_lingering(handle_view handle) noexcept;

/// Closes a handle that another process made, without waiting: it is not for a stranger to say how long a
/// message that is refused holds its receiver up. (A file may still be slow to close.)
void discard(unique_handle handle) noexcept;

/// Handles that have come from another process. Those that are not taken out are discarded.
class received_handles {
 public:
  received_handles() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a caller that has a list of them may hand it over
  received_handles(std::vector<unique_handle> came) noexcept : list(std::move(came)) {}
  received_handles(received_handles&&) noexcept = default;
  received_handles& operator=(received_handles&& other) noexcept {
    std::swap(list, other.list);
    return *this;
  }
  received_handles(const received_handles&) = delete;
  received_handles& operator=(const received_handles&) = delete;
  ~received_handles() { discard_all(); }

  void discard_all() noexcept {
    for (unique_handle& each : list) discard(std::move(each));
    list.clear();
  }
  std::vector<unique_handle> take() noexcept { return std::exchange(list, {}); }

  std::vector<unique_handle> list;
};

/// Number of open handles of this process.
std::size_t open_handles();

/// The limit of open descriptors, how many are open, and the cure: for messages about running out of them.
std::string handle_limit_text();

/// Throws `ferry::system_error`. When `reason` is that handles have run out, the text names the limit and the
/// cure.
[[noreturn]] void throw_system_error(std::errc reason, const std::string& operation);
/// The same for the number that a call of the system gave or left behind. For this floor alone.
[[noreturn]] void throw_system_error(int code, const std::string& operation);
[[noreturn]] void throw_system_error(const std::string& operation);

}  // namespace ferry::os
