// SPDX-License-Identifier: BSL-1.0
// Addresses of a listener's own choice, and socket files that somebody left.
#include <ferry/listener.hpp>

#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

using namespace ferry::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A socket file that a killed listener leaves.
void leave_dead(const ferry::address& where) {
  forked_child doomed([&] {
    const ferry::listener door(where);
    ::raise(SIGKILL);
    return 0;
  });
  BOOST_REQUIRE(doomed.wait() == -SIGKILL);
  BOOST_REQUIRE(fs::exists(where.name()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(addresses)

BOOST_AUTO_TEST_CASE(a_name_of_its_own_choice_is_nowhere_to_connect_to) {
  BOOST_TEST(ferry::address::any().is_open());
  BOOST_CHECK_EXCEPTION(ferry::connect(ferry::address::any()), ferry::system_error, says("where()"));
  BOOST_CHECK_EXCEPTION(ferry::connect(ferry::address::tcp("127.0.0.1", 0)), ferry::system_error,
                        says("where()"));
  BOOST_CHECK_EXCEPTION(ferry::address::abstract(""), ferry::system_error, says("address::any()"));
}

BOOST_AUTO_TEST_CASE(a_listener_finds_an_address_for_itself) {
  ferry::listener one, other(ferry::address::any()), third({.authkey = "key"});
  BOOST_TEST(!one.where().is_open());
  BOOST_CHECK(one.where() != other.where());
  BOOST_CHECK(ferry::address::parse(one.where().text()) == one.where());
  ferry::connect(one.where()).send(1);
  BOOST_TEST(one.accept().recv<int>() == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_exists_is_left_alone_unless_told_otherwise) {
  const temporary_folder folder;
  const auto where = ferry::address::path((folder.path / "door").string());
  leave_dead(where);
  BOOST_CHECK_EXCEPTION(ferry::listener{where}, ferry::system_error,
                        fails_with(std::errc::address_in_use, "listener_options::replace_dead"));
  fs::remove(where.name());
  std::ofstream(where.name()) << "of value to somebody";
  BOOST_CHECK_EXCEPTION(ferry::listener(where, {.replace_dead = true}), ferry::system_error,
                        fails_with(std::errc::address_in_use, "is no socket"));
  fs::remove(where.name());
  fs::create_symlink(folder.path / "nowhere", where.name());
  BOOST_CHECK_THROW(ferry::listener(where, {.replace_dead = true}), ferry::system_error);
  BOOST_CHECK(fs::is_symlink(where.name()));
}

BOOST_AUTO_TEST_CASE(the_place_of_a_dead_listener_can_be_taken) {
  const temporary_folder folder;
  fs::create_directory(folder.path / std::string(120, 'f'));
  for (const auto& path : {folder.path / "door", folder.path / std::string(120, 'f') / "door"}) {
    const auto where = ferry::address::path(path.string());
    leave_dead(where);
    {
      ferry::listener door(where, {.replace_dead = true});
      ferry::connect(where).send(1);
      BOOST_TEST(door.accept().recv<int>() == 1);
    }
    BOOST_TEST(!fs::exists(path));
    const ferry::listener first(where, {.replace_dead = true});  // nothing to replace
  }
}

BOOST_AUTO_TEST_CASE(a_living_listener_keeps_its_place_and_notices_nothing) {
  const temporary_folder folder;
  const auto where = ferry::address::path((folder.path / "door").string());
  ferry::listener door(where, {.backlog = 0});
  const auto in_use = fails_with(std::errc::address_in_use, "lives behind it");
  BOOST_CHECK_EXCEPTION(ferry::listener(where, {.replace_dead = true}), ferry::system_error, in_use);
  BOOST_CHECK(!door.try_accept());
  ferry::connection waiting = ferry::connect(where);  // and the backlog is full
  BOOST_CHECK_EXCEPTION(ferry::listener(where, {.replace_dead = true}), ferry::system_error, in_use);
  waiting.send(1);
  BOOST_TEST(door.accept().recv<int>() == 1);

  // One that is bound, and is going to listen.
  const auto other = ferry::address::path((folder.path / "other").string());
  const ferry::unique_handle bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, other.name().c_str(), sizeof name.sun_path - 1);
  BOOST_REQUIRE(::bind(bound.native(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  BOOST_CHECK_EXCEPTION(ferry::listener(other, {.replace_dead = true}), ferry::system_error, in_use);
}

BOOST_AUTO_TEST_CASE(one_of_the_listeners_that_start_at_the_same_time_gets_the_place) {
  const temporary_folder folder;
  const auto where = ferry::address::path((folder.path / "door").string());
  leave_dead(where);
  auto [stay, leave] = ferry::pipe(false);
  auto [results, result] = ferry::pipe(false);
  constexpr int starters = 8;
  std::vector<std::unique_ptr<forked_child>> children;
  for (int i = 0; i < starters; ++i) {
    children.push_back(std::make_unique<forked_child>([&, &end = stay, &other = leave, &answer = result] {
      other.close();
      try {
        ferry::listener door(where, {.replace_dead = true});
        answer.send(true);
        door.accept_for(patience)->send(1);
        end.poll(patience);
      } catch (const ferry::system_error&) {
        answer.send(false);
      }
      return 0;
    }));
  }
  int winners = 0;
  for (int i = 0; i < starters; ++i) winners += results.recv<bool>() ? 1 : 0;
  BOOST_TEST(winners == 1);
  BOOST_TEST(ferry::connect(where).recv<int>() == 1);  // who thinks so has it
  leave.close();
  for (const auto& child : children) BOOST_TEST(child->wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
