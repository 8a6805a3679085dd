// SPDX-License-Identifier: BSL-1.0
// An end of a packet socket that arrived.
#pragma once

#include <ferry/error.hpp>
#include <ferry/handle.hpp>

#include "os/socket.hpp"

#include <utility>

namespace ferry::detail {

/// @param otherwise  what to say when it is something else
/// @throws archive_error  then
inline unique_handle checked_end(unique_handle end, const char* otherwise) {
  if (os::classify(end) != os::endpoint::packet_socket) throw archive_error(otherwise);
  return end;
}

}  // namespace ferry::detail
