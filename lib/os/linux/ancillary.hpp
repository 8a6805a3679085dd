// SPDX-License-Identifier: BSL-1.0
// Handles on a system call: SCM_RIGHTS, for both packets and streams.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"

#include <gsl/assert>

#include <array>
#include <optional>
#include <span>
#include <sys/socket.h>
#include <vector>

namespace ferry::os {

/// Parts of one gathered write or scattered read.
inline constexpr std::size_t most_parts = 4;
using part_vector = std::array<iovec, most_parts>;

template <class Byte>
std::size_t fill(part_vector& vectors, std::span<const std::span<Byte>> parts) {
  Expects(parts.size() <= most_parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
  }
  return parts.size();
}

/// Room for the handles of one call.
struct control_block {
  alignas(cmsghdr) char bytes[CMSG_SPACE(most_handles_per_call * sizeof(int))];
};

/// Sends `parts` with `handles` on them: a packet as a whole, of a stream what there is room for.
/// @returns how many bytes went; nothing when `until` passed
/// @throws as `send_packet`
std::optional<std::size_t> send_parts(handle_view socket, gather parts, std::span<const handle_view> handles,
                                      deadline until);

/// Takes ownership of the handles of a received message.
void collect(msghdr& header, std::vector<unique_handle>& handles);

/// What a failed attempt to send comes to: true to try again, false when time is over. Throws the rest.
bool may_send_again(handle_view socket, int code, retry_pause& pause, deadline until);

}  // namespace ferry::os
