// SPDX-License-Identifier: BSL-1.0
// A socket that is slow to close, as hostile peers and workers give it away.
#pragma once

#include <ferry/handle.hpp>

#include <boost/test/unit_test.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

namespace ferry::test {

/// A connected network socket that nobody reads from, full, and to linger for an hour when it is closed.
struct stuck_socket {
  unique_handle full, other;

  stuck_socket() {
    const unique_handle door(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* const address = reinterpret_cast<sockaddr*>(&where);
    full = unique_handle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE((::bind(door.native(), address, size) == 0 && ::listen(door.native(), 1) == 0 &&
                   ::getsockname(door.native(), address, &size) == 0 &&
                   ::connect(full.native(), address, size) == 0));
    other = unique_handle(::accept4(door.native(), nullptr, nullptr, SOCK_CLOEXEC));
    const linger hour{1, 3600};
    BOOST_REQUIRE(::setsockopt(full.native(), SOL_SOCKET, SO_LINGER, &hour, sizeof hour) == 0);
    const std::vector<char> block(1 << 16);
    while (::send(full.native(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
    }
  }
};

inline bool is_to_linger(handle_view socket) {
  linger asked{};
  socklen_t size = sizeof asked;
  return ::getsockopt(socket.native(), SOL_SOCKET, SO_LINGER, &asked, &size) == 0 && asked.l_onoff != 0;
}

}  // namespace ferry::test
