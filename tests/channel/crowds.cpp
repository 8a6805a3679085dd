// SPDX-License-Identifier: BSL-1.0
// Listeners in event loops, in forked copies, and when many come at once.
#include <ferry/listener.hpp>
#include <ferry/wait.hpp>

#include "channel/authentication.hpp"
#include "channel/carriers.hpp"
#include "os/linux/system_calls.hpp"
#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry::test;
using namespace std::chrono_literals;
using ferry::os::system_calls;
namespace authentication = ferry::channel::authentication;

namespace {

/// Counts the peers that a listener refuses.
struct refusals {
  int count = 0;
  std::string last;
  std::function<void(const std::exception&)> counted() {
    return [this](const std::exception& why) {
      ++count;
      last = why.what();
    };
  }
};

/// Clients that connect at the same time, each in a thread.
class crowd {
 public:
  crowd(const ferry::address& where, int size, const ferry::connect_options& options) {
    for (int i = 0; i < size; ++i) {
      clients_.push_back(std::async(std::launch::async, [where, options] {
        try {
          ferry::connect(where, options);
          return true;
        } catch (const ferry::error&) {
          return false;
        }
      }));
    }
  }
  int number_served() {
    int served = 0;
    for (auto& each : clients_) served += each.get() ? 1 : 0;
    return served;
  }

 private:
  std::vector<std::future<bool>> clients_;
};

/// Takes what a listener with the key "key" says and answers as a client does, one step at a time.
struct slow_client {
  ferry::connection link;

  explicit slow_client(const ferry::address& where) : link(ferry::connect(where)) {}

  std::string hear() {
    const auto bytes = link.recv_bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  void answer() {
    const std::string challenge = hear().substr(authentication::challenge_mark.size());
    link.send_bytes(bytes_of(authentication::create_response("key", challenge, false)));
  }
  void ask() {
    link.send_bytes(bytes_of(std::string(authentication::challenge_mark) + authentication::new_challenge()));
  }
  void welcome() { link.send_bytes(bytes_of(authentication::welcome)); }
};

/// As a loop over events does it.
ferry::connection accept_in_loop(ferry::listener& door) {
  while (true) {
    BOOST_REQUIRE(ferry::wait({door}, patience).contains(door));
    if (auto guest = door.try_accept()) return std::move(*guest);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowds)

BOOST_AUTO_TEST_CASE(peers_that_wait_keep_the_handle_readable_until_each_is_accepted) {
  ferry::listener door;
  std::vector<ferry::connection> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(ferry::connect(door.where()));
  for (int i = 0; i < 100; ++i) {
    BOOST_REQUIRE(ferry::wait({door}, patience).contains(door));
    BOOST_REQUIRE(door.try_accept());
  }
  BOOST_CHECK(ferry::wait({door}, 0s).empty());
}

BOOST_AUTO_TEST_CASE(peers_with_a_key_are_accepted_by_an_event_loop_one_after_the_other) {
  refusals refused;
  for (const std::size_t most : {std::size_t{1}, std::size_t{2}, std::size_t{64}}) {
    ferry::listener door({.authkey = "key", .most_handshakes = most, .on_refused = refused.counted()});
    crowd clients(door.where(), 40, {.authkey = "key"});
    for (int accepted = 0; accepted < 40;) {
      BOOST_REQUIRE(ferry::wait({door}, patience).contains(door));
      if (door.try_accept()) ++accepted;
    }
    BOOST_TEST(clients.number_served() == 40);
  }
  BOOST_TEST(refused.count == 0, refused.last);
}

BOOST_AUTO_TEST_CASE(clients_that_come_in_a_crowd_are_not_refused) {
  refusals refused;
  for (const auto& key : {std::optional<std::string>(), std::optional<std::string>("key")}) {
    ferry::listener door({.authkey = key, .on_refused = refused.counted()});
    crowd clients(door.where(), 120, {.authkey = key});
    for (int i = 0; i < 120; ++i) BOOST_REQUIRE(door.accept_for(patience));
    BOOST_TEST(clients.number_served() == 120);
  }
  BOOST_TEST(refused.count == 0, refused.last);
}

BOOST_AUTO_TEST_CASE(a_loop_is_woken_to_give_a_silent_peer_up) {
  refusals refused;
  ferry::listener door({.authkey = "key", .handshake_time = 50ms, .on_refused = refused.counted()});
  const ferry::connection silent = ferry::connect(door.where());
  while (refused.count == 0) {
    BOOST_REQUIRE(ferry::wait({door}, patience).contains(door));
    BOOST_CHECK(!door.try_accept());
  }
  BOOST_CHECK(ferry::wait({door}, 0s).empty());
}

BOOST_AUTO_TEST_CASE(a_loop_is_woken_to_make_room_for_one_who_waits) {
  refusals refused;
  ferry::listener door(
      {.authkey = "key", .handshake_time = 1s, .most_handshakes = 1, .on_refused = refused.counted()});
  const ferry::connection silent = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  crowd client(door.where(), 1, {.authkey = "key"});
  const ferry::connection guest = accept_in_loop(door);
  BOOST_TEST(client.number_served() == 1);
  BOOST_TEST(refused.count == 1);
  BOOST_TEST(refused.last.find("most_handshakes") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_peer_is_not_given_up_for_what_it_said_and_nobody_heard) {
  refusals refused;
  ferry::listener door(
      {.authkey = "key", .handshake_time = 20ms, .most_handshakes = 1, .on_refused = refused.counted()});
  slow_client client(door.where());
  const ferry::connection another = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  client.answer();
  std::this_thread::sleep_for(40ms);  // busy
  BOOST_CHECK(!door.try_accept());
  BOOST_TEST(client.hear() == authentication::welcome);
  client.ask();
  std::this_thread::sleep_for(40ms);
  BOOST_CHECK(!door.try_accept());
  client.hear();
  client.welcome();
  std::this_thread::sleep_for(40ms);
  BOOST_CHECK(door.try_accept());
  BOOST_TEST(refused.count == 0, refused.last);
}

BOOST_AUTO_TEST_CASE(peers_that_never_stop_coming_do_not_put_a_deadline_off) {
  ferry::listener door({.authkey = "key", .most_handshakes = 4});
  const ferry::connection first = ferry::connect(door.where());
  // Never taken from the backlog, so that there seems to be another one, each of which leaves at once.
  const scoped_system_call endless(&system_calls::accept4, [](int, sockaddr* from, socklen_t* size, int) {
    from->sa_family = AF_UNIX;
    *size = sizeof from->sa_family;
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) return -1;
    ::close(ends[1]);
    return ends[0];
  });
  BOOST_CHECK(!door.accept_for(20ms));
  BOOST_CHECK(!door.try_accept());
}

BOOST_AUTO_TEST_CASE(an_error_of_accepting_that_stays_is_given_out) {
  static int code = 0;
  ferry::listener door;
  const ferry::connection client = ferry::connect(door.where());
  for (const int each : {EPERM, ENOSYS, ECONNABORTED, EPROTO, EOPNOTSUPP, EINTR, EMFILE}) {
    code = each;
    const scoped_system_call fault(&system_calls::accept4, [](int, sockaddr*, socklen_t*, int) {
      errno = code;
      return -1;
    });
    BOOST_CHECK_EXCEPTION(door.accept_for(patience), ferry::system_error,
                          [&](const ferry::system_error& problem) { return problem.code().value() == each; });
  }
  static int failures = 0;
  failures = 3;
  const scoped_system_call fault(&system_calls::accept4,
                                 [](int fd, sockaddr* from, socklen_t* size, int flags) {
                                   if (failures-- <= 0) return ::accept4(fd, from, size, flags);
                                   errno = ECONNABORTED;
                                   return -1;
                                 });
  BOOST_CHECK(door.try_accept());
}

BOOST_AUTO_TEST_CASE(a_forked_copy_that_closes_its_listener_harms_nobody) {
  for (const auto& key : {std::optional<std::string>(), std::optional<std::string>("key")}) {
    ferry::listener door({.authkey = key});
    std::optional<ferry::connection> silent;
    if (key) silent = ferry::connect(door.where());
    BOOST_CHECK(!door.try_accept());
    BOOST_TEST(fork_child([&door] {
                 door.close();
                 return 0;
               }) == 0);
    for (int i = 0; i < 2; ++i) {
      crowd client(door.where(), 1, {.authkey = key});
      const ferry::connection guest = accept_in_loop(door);
      BOOST_TEST(client.number_served() == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stopped_copy_with_a_candidate_of_its_own_keeps_nobody_from_accepting) {
  ferry::listener door({.authkey = "key"});
  ferry::connection talker = ferry::connect(door.where());
  auto [taken, tell] = ferry::pipe(false);
  forked_child copy([&door, &end = tell] {
    if (door.try_accept()) return 1;
    end.send(1);
    for (;;) ::pause();
  });
  BOOST_REQUIRE(taken.poll(patience));
  copy.signal(SIGSTOP);
  talker.send_bytes(bytes_of("never listened to, as the copy is stopped"));
  BOOST_CHECK(!door.accept_for(20ms));
  crowd client(door.where(), 1, {.authkey = "key"});
  const ferry::connection guest = accept_in_loop(door);
  BOOST_TEST(client.number_served() == 1);
  copy.signal(SIGKILL);
  copy.wait();
}

BOOST_AUTO_TEST_CASE(a_process_that_is_busy_with_its_peers_keeps_no_copy_from_accepting) {
  ferry::listener door({.authkey = "key"});
  ferry::connection talker = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  talker.send_bytes(bytes_of("never listened to, as this process is busy"));
  auto [ready, go] = ferry::pipe(false);
  forked_child copy([&door, &end = go] {
    // What the parent has to do is none of the copy's business.
    if (door.accept_for(20ms) || !ferry::wait({door}, 0s).empty()) return 1;
    end.send(1);
    return door.accept_for(patience) ? 0 : 2;
  });
  BOOST_REQUIRE(ready.poll(patience));
  crowd client(door.where(), 1, {.authkey = "key"});
  BOOST_TEST(copy.wait() == 0);
  BOOST_TEST(client.number_served() == 1);
}

BOOST_AUTO_TEST_CASE(a_refused_peer_learns_of_it_although_a_copy_has_its_socket_too) {
  ferry::listener door({.authkey = "key", .handshake_time = 50ms});
  ferry::connection silent = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  auto [stay, leave] = ferry::pipe(false);
  forked_child copy([&end = stay, &other = leave] {
    other.close();
    end.poll(patience);
    return 0;
  });
  BOOST_CHECK(!door.accept_for(100ms));
  silent.recv_bytes();
  BOOST_CHECK_THROW(silent.recv_bytes_for(patience), ferry::end_of_stream);
  leave.close();
  BOOST_TEST(copy.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_client_without_a_key_is_told_that_one_is_asked_for) {
  refusals refused;
  ferry::listener door({.authkey = "key", .on_refused = refused.counted()});
  ferry::connection any = ferry::connect(door.where()), value = ferry::connect(door.where()),
                    speaker = ferry::connect(door.where());
  BOOST_CHECK(!door.try_accept());
  BOOST_CHECK_EXCEPTION(any.recv_any(), ferry::authentication_error, says("connect_options::authkey"));
  BOOST_CHECK_EXCEPTION(value.recv<int>(), ferry::authentication_error, says("connect_options::authkey"));
  speaker.send(std::string("let me in"));
  while (refused.count == 0) BOOST_REQUIRE(!door.try_accept());
  BOOST_TEST(refused.last.find("has it one at all") != std::string::npos);
  BOOST_CHECK_THROW(speaker.recv<int>(), ferry::authentication_error);
}

BOOST_AUTO_TEST_CASE(a_client_with_a_key_is_told_of_a_listener_without) {
  ferry::listener door;
  BOOST_CHECK_EXCEPTION(ferry::connect(door.where(), {.authkey = "key", .handshake_time = 20ms}),
                        ferry::authentication_error, says("has the listener a key at all?"));
}

BOOST_AUTO_TEST_SUITE_END()
