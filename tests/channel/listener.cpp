// SPDX-License-Identifier: BSL-1.0
// Listeners and clients, with and without a key.
#include <ferry/listener.hpp>
#include <ferry/wait.hpp>

#include "channel/authentication.hpp"
#include "channel/carriers.hpp"
#include "support/child.hpp"
#include "support/faults.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

using namespace ferry::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace authentication = ferry::channel::authentication;

namespace {

std::vector<ferry::address> addresses_of_every_family(const temporary_folder& folder) {
  return {ferry::address::path((folder.path / "door").string()),
          ferry::address::path((folder.path / std::string(120, 'f') / "door").string()),
          ferry::address::abstract("ferry-test-" + folder.path.filename().string()),
          ferry::address::tcp("127.0.0.1", 0), ferry::address::tcp("::1", 0)};
}

/// Whether a client with this key is refused. (Checks of the test framework belong to one thread.)
bool is_refused(const ferry::address& where, const ferry::connect_options& options) {
  try {
    ferry::connect(where, options);
    return false;
  } catch (const ferry::authentication_error&) {
    return true;
  }
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(listeners)

// conformance: TestInvalidFamily.test_invalid_family
BOOST_AUTO_TEST_CASE(an_address_that_is_none_is_refused) {
  for (const char* text : {"", "unix", "unix:", "unix:@", "pipe:x", R"(\\.\pipe\x)", "tcp:", "tcp:host",
                           "tcp:host:", "tcp:host:99999", "tcp:host:12x", "tcp:::1:80"}) {
    BOOST_CHECK_THROW(ferry::address::parse(text), ferry::system_error);
  }
}

BOOST_AUTO_TEST_CASE(addresses_are_read_as_they_are_written) {
  for (const char* text :
       {"unix:/run/door", "unix:@door", "tcp:localhost:80", "tcp:[::1]:80", "tcp:127.0.0.1:0", "tcp::0"}) {
    BOOST_TEST(ferry::address::parse(text).text() == text);
  }
}

BOOST_AUTO_TEST_CASE(an_address_where_no_process_listens_is_named_by_the_error) {
  temporary_folder folder;
  const auto nowhere = ferry::address::path((folder.path / "nobody").string());
  BOOST_CHECK_EXCEPTION(ferry::connect(nowhere), ferry::system_error, [&](const ferry::error& problem) {
    return std::string_view(problem.what()).find(nowhere.text()) != std::string_view::npos;
  });
}

// known failure 20: AF_UNIX path too long
BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_is_refused_with_the_limit) {
  temporary_folder folder;
  BOOST_CHECK_EXCEPTION(ferry::listener(ferry::address::path((folder.path / std::string(120, 'x')).string())),
                        ferry::system_error, [](const ferry::error& problem) {
                          return std::string_view(problem.what()).find("107 bytes") != std::string_view::npos;
                        });
}

// conformance: _TestListener.test_context
// conformance: _TestListener.test_abstract_socket
// conformance: _TestListenerClient.test_listener_client
BOOST_AUTO_TEST_CASE(a_client_in_another_process_is_accepted_at_an_address_of_every_family) {
  temporary_folder folder;
  fs::create_directory(folder.path / std::string(120, 'f'));
  for (const auto& where : addresses_of_every_family(folder)) {
    BOOST_TEST_CONTEXT(where.text()) {
      ferry::listener door(where);
      BOOST_CHECK(!door.try_accept());
      forked_child client([&door] {
        ferry::connect(door.where()).send(std::string("hello"));
        return 0;
      });
      ferry::connection guest = door.accept();
      BOOST_TEST(guest.recv<std::string>() == "hello");
      BOOST_TEST(client.wait() == 0);
      if (where.kind() == ferry::address::family::tcp) {
        BOOST_REQUIRE(door.last_accepted().from);
        BOOST_TEST(door.last_accepted().from->name() == where.name());
      } else {
        BOOST_CHECK(door.last_accepted().process_id == client.pid());
      }
      door.close();
      BOOST_CHECK_THROW(door.accept(), ferry::system_error);
      BOOST_CHECK_THROW(door.where(), ferry::system_error);
      if (where.kind() == ferry::address::family::path) BOOST_CHECK(!fs::exists(where.name()));
    }
  }
}

// conformance: _TestListenerClient.test_issue14725
BOOST_AUTO_TEST_CASE(a_message_that_a_client_wrote_before_it_left_can_be_read) {
  temporary_folder folder;
  ferry::listener door(ferry::address::path((folder.path / "door").string()));
  ferry::connect(door.where()).send(std::string("gone"));
  BOOST_TEST(door.accept().recv<std::string>() == "gone");
}

BOOST_AUTO_TEST_CASE(only_the_file_that_is_still_its_own_is_removed) {
  temporary_folder folder;
  const auto where = ferry::address::path((folder.path / "door").string());
  ferry::listener door(where);
  BOOST_CHECK_THROW(ferry::listener{where}, ferry::system_error);
  BOOST_TEST(fork_child([&door] {
               door.close();
               return 0;
             }) == 0);
  BOOST_CHECK(fs::exists(where.name()));
  fs::remove(where.name());
  ferry::listener other(where);
  door.close();
  BOOST_CHECK(fs::exists(where.name()));
  other.close();
  BOOST_CHECK(!fs::exists(where.name()));
}

// conformance: TestIgnoreEINTR.test_ignore_listener
BOOST_AUTO_TEST_CASE(a_signal_does_not_end_accepting) {
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &ignore, &before);
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
  forked_child client([&door, parent = ::getpid()] {
    for (int i = 0; i < 20; ++i) {
      ::kill(parent, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
    ferry::connect(door.where()).send(1);
    return 0;
  });
  BOOST_TEST(door.accept().recv<int>() == 1);
  BOOST_TEST(client.wait() == 0);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// conformance: TestTimeouts.test_timeout
BOOST_AUTO_TEST_CASE(accepting_and_connecting_give_up_in_time) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
  BOOST_CHECK(!door.accept_for(10ms));
  temporary_folder folder;
  ferry::listener full(ferry::address::path((folder.path / "full").string()), {.backlog = 0});
  const ferry::connection waiting = ferry::connect(full.where());
  BOOST_CHECK_EXCEPTION(
      ferry::connect(full.where(), {}, ferry::deadline::after(20ms)), ferry::system_error,
      [](const ferry::system_error& problem) { return problem.code() == std::errc::timed_out; });
}

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_leaves_the_peer_waiting) {
  temporary_folder folder;
  ferry::listener door(ferry::address::path((folder.path / "door").string()));
  ferry::connection guest = ferry::connect(door.where());
  {
    scoped_fd_limit none(0);
    BOOST_CHECK_THROW(door.accept(), ferry::system_error);
  }
  guest.send(5);
  BOOST_TEST(door.accept().recv<int>() == 5);
}

BOOST_AUTO_TEST_CASE(a_peer_of_another_user_is_refused) {
  if (::geteuid() != 0) return;  // only root can be another user
  temporary_folder folder;
  fs::permissions(folder.path, fs::perms::all);
  int refusals = 0;
  ferry::listener door(ferry::address::path((folder.path / "door").string()),
                       {.on_refused = [&](const std::exception&) { ++refusals; }});
  fs::permissions(folder.path / "door", fs::perms::all);
  forked_child stranger([&door] {
    if (::setuid(65534) != 0) return 1;
    ferry::connection link = ferry::connect(door.where());
    return link.poll(patience) ? 0 : 2;
  });
  while (refusals == 0) BOOST_REQUIRE(!door.accept_for(10ms));
  BOOST_TEST(stranger.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(keys)

// conformance: ChallengeResponseTest.test_challengeresponse
BOOST_AUTO_TEST_CASE(responses_are_those_of_cpython) {
  const auto hex = [](std::string_view text) {
    std::string result;
    for (const char each : text) {
      constexpr std::string_view digits = "0123456789abcdef";
      result += digits[static_cast<unsigned char>(each) >> 4U];
      result += digits[static_cast<unsigned char>(each) & 15U];
    }
    return result;
  };
  std::string old_challenge, challenge = "{sha256}";
  for (int i = 0; i < 20; ++i) old_challenge += static_cast<char>(i);
  for (int i = 0; i < 40; ++i) challenge += static_cast<char>(i);
  BOOST_TEST(hex(authentication::create_response("key", old_challenge, true)) ==
             "5b2709aec5bcecbd08bd1f92d77ecea1");
  const std::string response = authentication::create_response("key", challenge, false);
  BOOST_TEST(response.substr(0, 8) == "{sha256}");
  BOOST_TEST(hex(response.substr(8)) == "05b37335205f51ff483146e965fdf576943e0e64675a64ceccba80b6704d76b8");

  for (const char* digest : {"md5", "sha256", "sha384", "sha3_256", "sha3_384"}) {
    const std::string asked = "{" + std::string(digest) + "}" + challenge.substr(8);
    const std::string answer = authentication::create_response("", asked, true);
    BOOST_TEST(answer.starts_with("{" + std::string(digest) + "}"));
    authentication::verify_response("", asked, answer, true);
    BOOST_CHECK_THROW(authentication::verify_response("x", asked, answer, true), ferry::authentication_error);
    BOOST_CHECK_THROW(authentication::verify_response("", asked, answer.substr(0, answer.size() - 1), true),
                      ferry::authentication_error);
  }
  for (const std::string& bad : {std::string(), std::string("short"), "{sha1}" + challenge.substr(8),
                                 "{sha256" + challenge.substr(8), challenge.substr(8)}) {
    BOOST_CHECK_THROW(authentication::create_response("key", bad, true), ferry::authentication_error);
  }
  BOOST_CHECK_THROW(authentication::create_response("key", old_challenge, false),
                    ferry::authentication_error);
  BOOST_CHECK_THROW(authentication::verify_response("key", challenge, std::string(16, 'x'), false),
                    ferry::authentication_error);
}

// conformance: OtherTest.test_deliver_challenge_auth_failure
BOOST_AUTO_TEST_CASE(a_client_with_another_key_is_refused_and_the_next_is_accepted) {
  std::vector<std::string> refusals;
  ferry::listener door(
      ferry::address::tcp("127.0.0.1", 0),
      {.authkey = "right", .on_refused = [&](const std::exception& why) { refusals.push_back(why.what()); }});
  bool as_expected = true;
  auto guests = std::async(std::launch::async, [&door, &as_expected] {
    as_expected = is_refused(door.where(), {.authkey = "wrong"}) && is_refused(door.where(), {.authkey = ""});
    ferry::connection none = ferry::connect(door.where());
    none.send_bytes(some_bytes(40));  // bogus, whatever it is
    as_expected = as_expected && text_of(none.recv_bytes()).starts_with(authentication::challenge_mark) &&
                  text_of(none.recv_bytes()) == authentication::failure;
    return ferry::connect(door.where(), {.authkey = "right"});
  });
  ferry::connection guest = door.accept();
  ferry::connection other = guests.get();
  BOOST_CHECK(as_expected);
  other.send(7);
  BOOST_TEST(guest.recv<int>() == 7);
  BOOST_TEST(refusals.size() == 3U);
}

// conformance: OtherTest.test_answer_challenge_auth_failure
BOOST_AUTO_TEST_CASE(a_listener_that_does_not_play_by_the_rules_is_refused) {
  for (const std::string& said : {std::string("hello"), std::string("#CHALLENGE#"),
                                  "#CHALLENGE#" + std::string(19, 'x'), "#CHALLENGE#" + std::string(20, 'x'),
                                  std::string(300, 'x'), "#CHALLENGE#{sha256}" + std::string(40, 'x')}) {
    ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
    auto guest =
        std::async(std::launch::async, [&door] { return is_refused(door.where(), {.authkey = "key"}); });
    ferry::connection host = door.accept();
    host.send_bytes(bytes_of(said));
    try {
      host.try_send_bytes(bytes_of("#FAILURE#"));
    } catch (const ferry::end_of_stream&) {  // the guest has heard enough, and is gone already
    }
    BOOST_CHECK(guest.get());
  }
}

BOOST_AUTO_TEST_CASE(a_peer_that_gives_our_challenge_back_is_refused) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
  const auto attempt = [&door] { return is_refused(door.where(), {.authkey = "key"}); };
  auto first = std::async(std::launch::async, attempt);
  ferry::connection host = door.accept();
  const std::string challenge = "#CHALLENGE#{sha256}" + std::string(40, 'x');
  host.send_bytes(bytes_of(challenge));
  host.recv_bytes();
  host.send_bytes(bytes_of("#WELCOME#"));
  const auto challenge_of_client = host.recv_bytes();
  // Asked of the same process by way of another connection.
  auto second = std::async(std::launch::async, attempt);
  ferry::connection other = door.accept();
  other.send_bytes(challenge_of_client);
  BOOST_CHECK(second.get());
  BOOST_CHECK_THROW(other.recv_bytes(), ferry::end_of_stream);
  host.close();
  BOOST_CHECK(first.get());
}

BOOST_AUTO_TEST_CASE(a_silent_client_keeps_nobody_waiting) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0), {.authkey = "key"});
  const ferry::connection silent = ferry::connect(door.where());
  ferry::connection half = ferry::connect(door.where());
  half.try_send_bytes({});
  auto client =
      std::async(std::launch::async, [&door] { return ferry::connect(door.where(), {.authkey = "key"}); });
  ferry::connection guest = door.accept();
  client.get().send(1);
  BOOST_TEST(guest.recv<int>() == 1);
}

BOOST_AUTO_TEST_CASE(a_silent_client_is_given_up) {
  int refusals = 0;
  ferry::listener door(
      ferry::address::tcp("127.0.0.1", 0),
      {.authkey = "key", .handshake_time = 50ms, .on_refused = [&](const std::exception&) { ++refusals; }});
  ferry::connection silent = ferry::connect(door.where());
  ferry::connection half = ferry::connect(door.where());
  half.try_send_bytes({});
  while (refusals < 2) BOOST_REQUIRE(!door.accept_for(10ms));
  silent.recv_bytes();
  BOOST_CHECK_THROW(silent.recv_bytes(), ferry::end_of_stream);
}

BOOST_AUTO_TEST_CASE(a_crowd_of_silent_clients_keeps_nobody_waiting) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0), {.authkey = "key", .most_handshakes = 4});
  std::vector<ferry::connection> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(ferry::connect(door.where()));
  auto client =
      std::async(std::launch::async, [&door] { return ferry::connect(door.where(), {.authkey = "key"}); });
  ferry::connection guest = door.accept();
  client.get().send(1);
  BOOST_TEST(guest.recv<int>() == 1);
}

BOOST_AUTO_TEST_CASE(a_silent_listener_is_given_up) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
  BOOST_CHECK_THROW(ferry::connect(door.where(), {.authkey = "key", .handshake_time = 20ms}),
                    ferry::authentication_error);
}

BOOST_AUTO_TEST_CASE(an_event_loop_learns_of_a_peer_by_one_handle) {
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0), {.authkey = "key"});
  auto client =
      std::async(std::launch::async, [&door] { return ferry::connect(door.where(), {.authkey = "key"}); });
  std::optional<ferry::connection> guest;
  while (!guest) {
    BOOST_REQUIRE(ferry::wait({door}, patience).contains(door));
    guest = door.try_accept();
  }
  client.get();
}

BOOST_AUTO_TEST_SUITE_END()
