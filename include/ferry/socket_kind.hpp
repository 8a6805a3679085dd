// SPDX-License-Identifier: BSL-1.0
// Kinds of sockets.
#pragma once

#include <cstdint>

namespace ferry {

/// What sort of socket it is, in the system's own numbers (AF_INET, SOCK_STREAM, IPPROTO_TCP, ...).
struct socket_kind {
  std::int32_t family = 0, type = 0, protocol = 0;
  bool operator==(const socket_kind&) const = default;
};

}  // namespace ferry
