// SPDX-License-Identifier: BSL-1.0
// Parked handles: one that waits in a socket until exactly one process claims it.
#pragma once

#include <ferry/handle.hpp>

#include <array>
#include <cstddef>
#include <optional>

namespace ferry::os {

using parking_token = std::array<std::byte, 16>;

/// A socket of its own, closed for writing, in which one packet waits: a token and a handle. The kernel keeps
/// the handle alive and gives the packet to one reader only, whatever becomes of the processes that read.
/// @returns the end to read from
unique_handle park_handle(handle_view content, const parking_token& token);

struct parked_content {
  parking_token token{};
  unique_handle handle;
};
/// Looks at what is parked, which stays there; `handle` is a duplicate.
/// @returns nothing if it has been claimed, or if nothing was parked in that socket
/// @throws system_error  out of descriptors; what is parked stays
std::optional<parked_content> peek_parked(handle_view socket);
/// True until it is claimed.
bool is_parked(handle_view socket);
/// Takes what is parked out of the socket, and drops it.
/// @returns true for exactly one of all callers in all processes
bool claim_parked(handle_view socket);

}  // namespace ferry::os
