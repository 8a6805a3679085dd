// SPDX-License-Identifier: BSL-1.0
// A forkserver is killed at any instruction of a start.
#include <ferry/connection.hpp>

#include "support/killing.hpp"
#include "support/raw_start.hpp"

#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace {

void say_that_it_runs(connection line) {
  line.send(true);
}

/// All that there is to a start.
struct attempt {
  std::pair<connection, connection> line = pipe();
  os::handle_pair clients = os::packet_socket_pair();
  raw_start start{clients.first, start_message<&say_that_it_runs>(std::move(line.second))};
};

/// How often the callable has run, or will.
int runs(connection& line) {
  for (int count = 0;; ++count) {
    try {
      BOOST_REQUIRE(line.recv_for<bool>(patience).has_value());
    } catch (const end_of_stream&) {
      return count;
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(forkserver_kills)

// A client that has no reply asks another server: nothing may be done by both.
BOOST_AUTO_TEST_CASE(a_killed_forkserver_leaves_no_child_at_work_that_its_client_does_not_know_of) {
  int replies = 0, none = 0;
  report(kill_everywhere([&] {
    const auto all = std::make_shared<attempt>();
    all->clients.first.reset();
    return deed{[=] {
                  all->start.close();
                  all->line.first.close();
                  detail::serve_forks(std::move(all->clients.second));
                },
                [=, &replies, &none] {
                  all->clients.second.reset();
                  if (all->start.reply()) {
                    ++replies;
                    all->start.let_go();
                    BOOST_TEST(runs(all->line.first) == 1);
                  } else {
                    ++none;
                    all->start.give_up();
                    BOOST_TEST(runs(all->line.first) == 0);
                  }
                }};
  }));
  BOOST_WARN(replies > 0);
  BOOST_WARN(none > 0);
}

BOOST_AUTO_TEST_SUITE_END()
