// SPDX-License-Identifier: BSL-1.0
// Stream sockets and plain pipes: bytes without borders.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include "os/socket.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace ferry::os {

/// Sends as much of `parts` as goes, at least one byte, with `handles` on the first byte. A signal that the
/// peer is gone (SIGPIPE) is never raised.
/// @param kind  what `classify` said of `stream`
/// @param handles  only over a local stream, at most `most_handles_per_call`
/// @returns how many bytes were sent; 0 when `until` passed before the first
/// @throws end_of_stream  when the other end is closed
std::size_t send_some(handle_view stream, endpoint kind, gather parts, std::span<const handle_view> handles,
                      deadline until);

/// Receives at least one byte and at most `into`; never anything after it.
/// @returns nothing when `until` passed; `bytes` is 0 at the end of the stream
std::optional<arrival> receive_some(handle_view stream, endpoint kind, std::span<std::byte> into,
                                    std::vector<unique_handle>& handles, deadline until);

}  // namespace ferry::os
