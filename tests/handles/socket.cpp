// SPDX-License-Identifier: BSL-1.0
// Sockets as values.
#include <ferry/error.hpp>
#include <ferry/socket.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <array>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>

using namespace ferry;
using namespace ferry::test;

namespace {

ferry::socket made(int family, int type, int protocol = 0) {
  return ferry::socket::adopt(unique_handle(::socket(family, type | SOCK_CLOEXEC, protocol)));
}

unique_handle null() {
  return unique_handle(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sockets)

BOOST_AUTO_TEST_CASE(a_handle_of_no_socket_is_refused) {
  BOOST_CHECK_EXCEPTION(ferry::socket::adopt(null()), system_error, [](const system_error& problem) {
    return problem.code() == std::errc::not_a_socket;
  });
  BOOST_CHECK_THROW(ferry::socket::adopt(unique_handle()), system_error);
  BOOST_CHECK_THROW(reducer<ferry::socket>::rebuild(null(), AF_INET, SOCK_STREAM, IPPROTO_TCP),
                    archive_error);
}

BOOST_AUTO_TEST_CASE(a_socket_of_another_kind_than_announced_is_refused) {
  ferry::socket unix_stream = made(AF_UNIX, SOCK_STREAM);
  BOOST_CHECK_EXCEPTION(
      reducer<ferry::socket>::rebuild(std::move(unix_stream).release(), AF_INET, SOCK_STREAM, IPPROTO_TCP),
      archive_error, [](const archive_error& problem) {
        return std::string(problem.what()).find("family " + std::to_string(AF_UNIX)) != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(a_socket_of_any_family_keeps_its_kind_when_it_crosses) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      unique_handle handle(::socket(family, type | SOCK_CLOEXEC, 0));
      if (!handle.valid()) continue;  // no such family, or netlink streams
      const ferry::socket original = ferry::socket::adopt(std::move(handle));
      BOOST_TEST(original.kind().family == family);
      BOOST_TEST(original.kind().type == type);
      const ferry::socket crossed = cross(original);
      BOOST_TEST((crossed.kind() == original.kind()));
      BOOST_TEST(crossed.native_handle() != original.native_handle());
    }
}

// conformance: _TestPicklingConnections.test_pickling
BOOST_AUTO_TEST_CASE(a_child_accepts_on_a_listening_socket_that_crossed) {
  const ferry::socket listening = made(AF_INET, SOCK_STREAM);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  BOOST_REQUIRE(::bind(listening.native_handle(), generic, size) == 0);
  BOOST_REQUIRE(::listen(listening.native_handle(), 1) == 0);
  BOOST_REQUIRE(::getsockname(listening.native_handle(), generic, &size) == 0);

  const ferry::socket crossed = cross(listening);
  forked_child server([&crossed] {
    const unique_handle peer(::accept4(crossed.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    return ::send(peer.native(), "hello", 5, MSG_NOSIGNAL) == 5 ? 0 : 1;
  });
  const ferry::socket client = made(AF_INET, SOCK_STREAM);
  BOOST_REQUIRE(::connect(client.native_handle(), generic, size) == 0);
  std::array<char, 5> text{};
  BOOST_TEST(::recv(client.native_handle(), text.data(), text.size(), MSG_WAITALL) == 5);
  BOOST_TEST(std::string(text.data(), 5) == "hello");
  BOOST_TEST(server.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_the_same_socket) {
  ferry::socket original = made(AF_INET, SOCK_STREAM);
  const ferry::socket second = original.duplicate();
  BOOST_CHECK(second.kind() == original.kind());
  constexpr int on = 1;
  BOOST_REQUIRE(::setsockopt(second.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0);
  int seen = 0;
  socklen_t size = sizeof seen;
  BOOST_REQUIRE(::getsockopt(original.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &seen, &size) == 0);
  BOOST_TEST(seen == 1);
  const unique_handle taken = std::move(original).release();
  BOOST_CHECK_THROW(original.duplicate(), error);
}

BOOST_AUTO_TEST_SUITE_END()
