// SPDX-License-Identifier: BSL-1.0
// Peers that send what no driver sends: empty packets, handles that are slow to close, and too many of them.
#include <ferry/connection.hpp>
#include <ferry/file.hpp>
#include <ferry/listener.hpp>
#include <ferry/shared_memory.hpp>

#include "channel/carriers.hpp"
#include "handles/handle_bundle.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"
#include "support/child.hpp"
#include "support/stuck_socket.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace ferry::test;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

void send_raw(ferry::handle_view on, std::string_view bytes,
              std::span<const ferry::handle_view> handles = {}) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!handles.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(handles.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(handles.size() * sizeof(int));
    for (std::size_t i = 0; i < handles.size(); ++i) {
      const int native = handles[i].native();
      std::memcpy(CMSG_DATA(rights) + i * sizeof native, &native, sizeof native);
    }
  }
  BOOST_REQUIRE(::sendmsg(on.native(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

ferry::handle_view socket_of(const ferry::connection& end) {
  return ferry::handle_view(end.native_handle());
}

/// A packet of the local driver that announces `count` handles and has no bytes, or some in a segment.
std::string packet(std::uint32_t count, std::uint64_t size = 0, std::uint64_t segment_use = 0) {
  struct {
    std::uint32_t magic, count;
    std::uint64_t size, segment_use;
  } const header{0x31504546, count, size, segment_use};
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

/// Has a process receive what `hostile` sends with a stuck socket on it, which only that message holds then.
/// @returns whether it went on after that
bool goes_on_after(ferry::os::handle_pair ends,
                   const std::function<void(ferry::handle_view, ferry::handle_view)>& hostile,
                   const std::function<void(ferry::connection&)>& receive) {
  stuck_socket stuck;
  hostile(ends.second, stuck.full);
  ends.second.reset();
  stuck.full.reset();
  forked_child receiver([&] {
    ferry::connection link(std::move(ends.first));
    try {
      receive(link);
      return 1;
    } catch (const ferry::error&) {
      return 0;
    }
  });
  ends.first.reset();
  try {
    return receiver.wait() == 0;
  } catch (const std::runtime_error&) {
    return false;
  }
}

const auto receive_number = [](ferry::connection& from) { from.recv<int>(); };

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile_peers)

BOOST_AUTO_TEST_CASE(an_empty_packet_is_an_error_of_that_message) {
  auto [mine, theirs] = ferry::pipe();
  send_raw(socket_of(theirs), "");
  theirs.send(42);
  const ferry::unique_handle handle = ferry::duplicate(socket_of(mine));
  const std::array handles{handle.view()};
  send_raw(socket_of(theirs), "", handles);
  send_raw(socket_of(theirs), "");
  theirs.send(43);
  theirs.close();
  BOOST_CHECK_THROW(mine.recv<int>(), ferry::archive_error);
  BOOST_TEST(mine.recv<int>() == 42);
  BOOST_CHECK_THROW(mine.recv_bytes(), ferry::archive_error);
  BOOST_CHECK_THROW(mine.try_recv<int>(), ferry::archive_error);
  BOOST_TEST(mine.recv<int>() == 43);
  BOOST_CHECK_THROW(mine.recv<int>(), ferry::end_of_stream);
}

BOOST_AUTO_TEST_CASE(an_end_that_only_stops_sending_is_the_end_of_the_stream) {
  auto [mine, theirs] = ferry::pipe();
  theirs.send(1);
  BOOST_REQUIRE(::shutdown(theirs.native_handle(), SHUT_WR) == 0);
  BOOST_TEST(mine.recv<int>() == 1);
  BOOST_CHECK_THROW(mine.recv<int>(), ferry::end_of_stream);
  mine.send(2);
  BOOST_TEST(theirs.recv<int>() == 2);
}

BOOST_AUTO_TEST_CASE(a_handle_that_is_slow_to_close_holds_nobody_up_who_refuses_its_packet) {
  using ferry::os::packet_socket_pair;
  const auto as = [](std::string bytes) {
    return [bytes = std::move(bytes)](ferry::handle_view on, ferry::handle_view stuck) {
      send_raw(on, bytes, std::array{stuck});
    };
  };
  BOOST_TEST_CONTEXT("no message")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(1)), receive_number));
  BOOST_TEST_CONTEXT("no packet of Ferry")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as("?"), receive_number));
  BOOST_TEST_CONTEXT("an empty packet")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(""), receive_number));
  BOOST_TEST_CONTEXT("another count")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(2)), receive_number));
  BOOST_TEST_CONTEXT("too many")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(5000)), receive_number));
  BOOST_TEST_CONTEXT("as a segment")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(0, 100, 1)), receive_number));
  BOOST_TEST_CONTEXT("as a bundle")
  BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(300)), receive_number));
  BOOST_TEST_CONTEXT("in a bundle of too many") {
    const auto bundled = [](ferry::handle_view on, ferry::handle_view stuck) {
      std::vector<ferry::handle_view> many(600, stuck);
      const auto bundle = ferry::detail::pack_handles(many, ferry::deadline::never());
      send_raw(on, packet(300), std::array{bundle->view()});
    };
    BOOST_TEST(goes_on_after(packet_socket_pair(), bundled, receive_number));
  }
  BOOST_TEST_CONTEXT("bytes alone are wanted") {
    const auto bytes_alone = [](ferry::connection& from) {
      from.recv_bytes();
      throw ferry::error("as expected");
    };
    BOOST_TEST(goes_on_after(packet_socket_pair(), as(packet(1)), bytes_alone));
  }
}

BOOST_AUTO_TEST_CASE(a_handle_that_is_slow_to_close_holds_nobody_up_who_refuses_its_value) {
  using ferry::os::packet_socket_pair, ferry::os::stream_socket_pair;
  for (const auto make : {packet_socket_pair, stream_socket_pair}) {
    const auto send = [](const auto& wrap) {
      return [wrap](ferry::handle_view on, ferry::handle_view stuck) {
        ferry::connection link(ferry::duplicate(on));
        link.send(wrap(ferry::file::adopt(ferry::duplicate(stuck))));
      };
    };
    const auto alone = send([](ferry::file what) { return what; });
    // The file has been made when the rest turns out to be wrong.
    const auto in_front =
        send([](ferry::file what) { return std::pair(std::move(what), std::vector<std::string>(100)); });
    BOOST_TEST(goes_on_after(make(), alone, receive_number));
    BOOST_TEST(goes_on_after(make(), alone, [](auto& from) { from.template recv<ferry::shared_memory>(); }));
    BOOST_TEST(goes_on_after(make(), in_front, [](auto& from) {
      from.options().limit.objects = 10;
      from.template recv<std::pair<ferry::file, std::vector<std::string>>>();
    }));
    BOOST_TEST(goes_on_after(make(), alone, [](auto& from) {
      from.options().limit.handles = 0;
      from.template recv<ferry::file>();
    }));
  }
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_given_out_lingers_as_before) {
  auto [mine, theirs] = ferry::pipe();
  const stuck_socket stuck;
  theirs.send(ferry::file::adopt(ferry::duplicate(stuck.full)));
  {
    const auto got = mine.recv<ferry::file>();
    BOOST_CHECK(is_to_linger(ferry::handle_view(got.native_handle())));
  }
  theirs.send(std::pair(ferry::file::adopt(ferry::duplicate(stuck.full)), 1));
  const auto got = mine.recv<std::pair<ferry::file, int>>();
  BOOST_CHECK(is_to_linger(stuck.full));
}

BOOST_AUTO_TEST_CASE(handles_beyond_the_limit_are_closed_while_the_message_arrives) {
  for (const std::size_t most : {std::size_t{0}, std::size_t{2}}) {
    auto [stream, bare] = ferry::os::stream_socket_pair();
    ferry::connection link(std::move(stream));
    link.options().limit.handles = most;
    const std::size_t before = ferry::os::open_handles();
    const std::vector<ferry::handle_view> handles(253, bare.view());
    send_raw(bare, "\0\0\0\x05"sv, handles);
    for (const char* piece : {"a", "b", "c", "d"}) {
      BOOST_CHECK(!link.try_recv_bytes());
      BOOST_TEST(ferry::os::open_handles() == before);
      send_raw(bare, piece, handles);
    }
    send_raw(bare, "e");
    BOOST_CHECK_THROW(link.recv_bytes(), ferry::archive_error);
    send_raw(bare, "\0\0\0\x01x"sv);
    BOOST_TEST(link.recv_bytes().size() == 1U);
    // Those on what is passed over belong to nothing.
    send_raw(bare, "\x7f\0\0\0"sv);
    BOOST_CHECK_THROW(link.recv_bytes(), ferry::limit_exceeded);
    send_raw(bare, "ignored", handles);
    BOOST_CHECK(!link.try_recv_bytes());
    BOOST_TEST(ferry::os::open_handles() == before);
  }
}

BOOST_AUTO_TEST_CASE(strangers_cannot_leave_handles_with_a_listener) {
  ferry::listener door({.authkey = "key"});
  const ferry::connection stranger = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  const std::size_t before = ferry::os::open_handles();
  const std::vector<ferry::handle_view> handles(253, socket_of(stranger));
  send_raw(socket_of(stranger), "\0\0\0\xc8"sv, handles);
  for (int i = 0; i < 10; ++i) {
    BOOST_CHECK(!door.try_accept());
    BOOST_TEST(ferry::os::open_handles() == before);
    send_raw(socket_of(stranger), "x", handles);
  }
  BOOST_CHECK(!door.try_accept());
}

BOOST_AUTO_TEST_SUITE_END()
