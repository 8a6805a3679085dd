// SPDX-License-Identifier: BSL-1.0
// Sockets of any family as values that cross.
#pragma once

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>
#include <ferry/socket_kind.hpp>

#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// A socket that a program made itself, bound, listening or connected as it is, to be handed to another
/// process; for messages there is `connection`. An owned handle: movable, not copyable; closed when dropped.
/// When it crosses, both sides have the same socket.
class socket {
 public:
  /// Takes over a handle.
  /// @throws system_error  `std::errc::not_a_socket` when it is no socket
  static socket adopt(unique_handle handle);

  /// A second handle to the same socket. Sending a socket does not need it, that leaves the sender his own.
  /// @throws system_error  when descriptors have run out, or it is moved from
  socket duplicate() const;

  const socket_kind& kind() const {
    held();
    return kind_;
  }
  native_handle_type native_handle() const { return held().native(); }
  /// False when it was moved from.
  bool valid() const noexcept { return handle_.valid(); }
  /// Gives up ownership; the socket is empty afterwards.
  unique_handle release() && {
    held();
    return std::move(handle_);
  }

 private:
  const unique_handle& held() const {
    if (!handle_.valid()) detail::throw_empty("socket");
    return handle_;
  }

  socket(unique_handle handle, const socket_kind& kind) noexcept : handle_(std::move(handle)), kind_(kind) {}

  unique_handle handle_;
  socket_kind kind_;
};

/// Crosses as its handle.
template <>
struct reducer<socket> {
  static constexpr std::string_view name = "ferry.socket";
  static std::tuple<handle_view, std::int32_t, std::int32_t, std::int32_t> reduce(const socket& open_socket);
  /// @throws archive_error  when the handle is no socket, or one of another kind
  static socket rebuild(unique_handle handle, std::int32_t family, std::int32_t type, std::int32_t protocol);
};

}  // namespace ferry
