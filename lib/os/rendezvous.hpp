// SPDX-License-Identifier: BSL-1.0
// Listening, connecting and accepting between processes that do not know each other.
#pragma once

#include <ferry/address.hpp>
#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include "os/memory.hpp"

#include <cstdint>
#include <optional>

namespace ferry::os {

/// A socket that listens; accepting from it never blocks.
struct listening_socket {
  unique_handle handle;
  address bound;  ///< with the port or name that was chosen
};
/// @param replace_dead  whether to take the place of a socket file behind which no process lives
/// @throws system_error  naming the address
listening_socket listen_on(const address& where, int backlog, bool replace_dead);

struct accepted_socket {
  unique_handle handle;
  std::optional<address> from;  ///< for TCP
};
/// @returns nothing when no peer is waiting
/// @throws system_error  out of descriptors: the peer that is waiting can be accepted later; or another error
///                       that stays
std::optional<accepted_socket> accept_from(handle_view listening);

/// @throws system_error  naming the address; `timed_out` when `until` passed
unique_handle connect_to(const address& where, deadline until);

struct credentials {
  std::int64_t process = 0;
  std::uint32_t user = 0, group = 0;
};
/// Who made the other end of a local socket; nothing for other sockets.
/// @throws system_error  when the system does not tell
std::optional<credentials> peer_credentials(handle_view socket);
/// The user that this process acts as.
std::uint32_t current_user();

/// A file in the file system, to tell it from another that has got its name.
std::optional<memory_identity> identify_path(const std::string& path);
void remove_path(const std::string& path) noexcept;

}  // namespace ferry::os
