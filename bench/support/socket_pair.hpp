// SPDX-License-Identifier: BSL-1.0
// Two connected sockets, as the system makes them.
#pragma once

#include "support/crew.hpp"

#include <array>
#include <sys/socket.h>

namespace bench {

inline std::array<int, 2> socket_pair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair");
  return ends;
}

}  // namespace bench
