// SPDX-License-Identifier: BSL-1.0
// Programs that have closed standard streams: nothing of Ferry's gets their numbers.
#include <ferry/ferry.hpp>

#include "support/child.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <string>
#include <unistd.h>
#include <utility>

using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(standard_streams)

BOOST_AUTO_TEST_CASE(new_handles_never_get_the_number_of_a_closed_standard_stream) {
  const temporary_folder folder;
  const auto path = folder.path / std::string(120, 'f');
  std::filesystem::create_directory(path);
  const auto all_closed = [] {
    for (const int stream : {0, 1, 2})
      if (::fcntl(stream, F_GETFD) >= 0) return false;
    return true;
  };
  for (const auto& [name, make] : std::initializer_list<std::pair<const char*, std::function<bool()>>>{
           {"pipe", [&] { return ferry::pipe(), all_closed(); }},
           {"queue",
            [&] {
              ferry::queue<int> made;
              return made.native_handle() > 2 && all_closed();
            }},
           {"simple_queue",
            [&] {
              const ferry::simple_queue<int> made;
              return all_closed();
            }},
           {"event",
            [&] {
              const ferry::event made;
              return all_closed();
            }},
           {"shared memory",
            [&] {
              const ferry::shared_memory made(4096);
              return all_closed();
            }},
           {"file",
            [&] {
              const auto made = ferry::file::open("/dev/null");
              return ferry::file(made.duplicate()).native_handle() > 2 && all_closed();
            }},
           {"listener and client",
            [&] {
              ferry::listener door(ferry::address::path((path / "door").string()), {.authkey = "key"});
              const auto client = ferry::connect(door.where());
              door.try_accept();
              return door.native_handle() > 2 && all_closed();
            }},
           {"large message",
            [&] {
              auto [sender, receiver] = ferry::pipe();
              sender.send(std::vector<double>(100'000));
              const auto got = receiver.recv_message();
              return all_closed();
            }},
           {"received handle",
            [&] {
              auto [sender, receiver] = ferry::pipe();
              sender.send(ferry::file::open("/dev/null"));
              const auto got = receiver.recv<ferry::file>();
              return got.native_handle() > 2 && all_closed();
            }},
       }) {
    BOOST_TEST_CONTEXT(name)
    BOOST_TEST(fork_child([&use = make] {
                 for (const int stream : {0, 1, 2}) ::close(stream);
                 return use() ? 0 : 1;
               }) == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
