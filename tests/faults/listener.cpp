// SPDX-License-Identifier: BSL-1.0
// Listeners and clients when the system or the heap has nothing left at any one moment, and when a signal
// comes in between.
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/listener.hpp>

#include "faults/refusals.hpp"
#include "support/faults.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <sys/file.h>
#include <sys/socket.h>

using namespace ferry;
using namespace ferry::test;
namespace fs = std::filesystem;

namespace {

const listener_options with_key{.authkey = "key"};

/// Listens, with nothing refused, and hears one peer.
void serve_one(const address& where, const listener_options& how) {
  listener door(where, how);
  connection peer = connect(door.where());
  connection guest = door.accept();
  peer.send(7);
  BOOST_TEST(guest.recv<int>() == 7);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(listener_refused)

BOOST_AUTO_TEST_CASE(a_listener_is_made_or_it_is_an_exception) {
  for (const address& where : {address::any(), address::tcp("127.0.0.1", 0)}) {
    BOOST_TEST(
        refuse_each([&] {
          return attempt{[&] { const listener door(where, with_key); }, [&](bool) { serve_one(where, {}); }};
        }) > 0U);
  }
}

// What is left of a file would keep the next listener from the place.
BOOST_AUTO_TEST_CASE(a_listener_that_cannot_be_made_leaves_no_socket_file) {
  const temporary_folder folder;
  const address where = address::path((folder.path / "door").string());
  BOOST_TEST(refuse_each([&] {
               return attempt{[&] { const listener door(where, with_key); },
                              [&](bool) {
                                BOOST_TEST(!fs::exists(where.name()));
                                serve_one(where, {});
                              }};
             }) > 0U);
}

BOOST_AUTO_TEST_CASE(a_listener_takes_the_place_of_a_dead_one_or_it_is_an_exception) {
  const temporary_folder folder;
  const address where = address::path((folder.path / "door").string());
  BOOST_TEST(refuse_each([&] {
               {
                 const listener before(where);
                 fs::create_hard_link(where.name(), where.name() + ".left");
               }
               fs::rename(where.name() + ".left", where.name());
               return attempt{[&] { const listener door(where, {.replace_dead = true}); },
                              [&](bool) { serve_one(where, {.replace_dead = true}); }};
             }) > 0U);
}

BOOST_AUTO_TEST_CASE(a_client_connects_or_it_is_an_exception) {
  for (const address& where : {address::any(), address::tcp("127.0.0.1", 0)}) {
    BOOST_TEST(refuse_each([&] {
                 const auto door = std::make_shared<listener>(where);
                 return attempt{[=] { const connection peer = connect(door->where()); },
                                [=](bool) { const connection peer = connect(door->where()); }};
               }) > 0U);
  }
}

BOOST_AUTO_TEST_CASE(a_peer_that_cannot_be_accepted_keeps_no_other_from_it) {
  for (const address& where : {address::any(), address::tcp("127.0.0.1", 0)}) {
    BOOST_TEST(refuse_each([&] {
                 const auto door = std::make_shared<listener>(where);
                 const auto first = std::make_shared<connection>(connect(door->where()));
                 return attempt{[=] { const connection guest = door->accept(); },
                                [=](bool) {
                                  const connection second = connect(door->where());
                                  const connection guest = door->accept();
                                }};
               }) > 0U);
  }
}

// The system goes on with what a signal interrupts, and says so at another time.
BOOST_AUTO_TEST_CASE(signals_during_connecting_and_locking_change_nothing) {
  const scoped_system_call connecting(&os::system_calls::connect,
                                      [](int fd, const sockaddr* where, socklen_t size) {
                                        const int result = ::connect(fd, where, size);
                                        if (result == 0) errno = EINTR;
                                        return -1;
                                      });
  static int locks;
  locks = 0;
  const scoped_system_call locking(&os::system_calls::flock, [](int fd, int how) {
    if (++locks % 2 == 0) return ::flock(fd, how);
    errno = EINTR;
    return -1;
  });
  const temporary_folder folder;
  const address where = address::path((folder.path / "door").string());
  {
    const listener before(where);
    fs::create_hard_link(where.name(), where.name() + ".left");
  }
  fs::rename(where.name() + ".left", where.name());
  serve_one(where, {.replace_dead = true});
  BOOST_TEST(locks == 2);
}

BOOST_AUTO_TEST_SUITE_END()
