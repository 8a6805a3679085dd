// SPDX-License-Identifier: BSL-1.0
// Daemons and other children when their parent goes: daemons die with it however it ends, others stay.
#include "process/support.hpp"

#include <csignal>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

void start_another_and_hold(start_method method, bool daemon, connection line, int generations) {
  process_options options = by(method);
  options.daemon = daemon;
  process child;
  if (generations > 1) {
    child = process(options, fn<&start_another_and_hold>, method, daemon, line, generations - 1);
  } else {
    child = process(options, fn<&hold>, line);
    tell(line, child.pid());
  }
  wait_for_end(std::move(line));
}

void start_another_and_return(start_method method, connection line) {
  process_options options = by(method);
  options.daemon = true;
  process child(options, fn<&hold>, line);
  tell(line, child.pid());
}

void tell_daemon(connection line) {
  tell(line, current_process().daemon);
}

void hold_beside_a_raw_fork(connection daemon_line, connection fork_line) {
  process_options options;
  options.daemon = true;
  process child(options, fn<&hold>, std::move(daemon_line));
  if (::fork() == 0) {
    // Has a copy of everything, the lifeline among it.
    wait_for_end(std::move(fork_line));
    ::_exit(0);
  }
  tell(fork_line, child.pid());
  wait_for_end(std::move(fork_line));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(daemons, no_forkserver_left)

// conformance: _TestProcess.test_daemon_argument
BOOST_DATA_TEST_CASE(the_daemon_flag_comes_from_the_creator_unless_given, every_start_method, method) {
  auto [here, there] = pipe();
  for (const bool daemon : {true, false}) {
    process_options options = by(method);
    options.daemon = daemon;
    process child(options, fn<&tell_daemon>, there);
    BOOST_TEST(child.daemon() == daemon);
    BOOST_TEST(hear<bool>(here) == daemon);
  }
  process child(deferred, by(method), fn<&tell_daemon>, std::move(there));
  BOOST_TEST(!child.daemon());
  child.set_daemon(true);
  child.start();
  BOOST_TEST(hear<bool>(here));
}

BOOST_DATA_TEST_CASE(a_daemon_that_is_dropped_is_terminated, every_start_method, method) {
  auto [here, there] = pipe();
  {
    process_options options = by(method);
    options.daemon = true;
    const process child(options, fn<&hold>, std::move(there));
  }
  BOOST_TEST(all_gone(here));
}

BOOST_DATA_TEST_CASE(a_daemon_that_ignores_being_terminated_is_killed, every_start_method, method) {
  process_options options = by(method);
  options.daemon = true;
  auto [here, there] = pipe();
  {
    const process child(
        options,
        [](connection end) {
          std::signal(SIGTERM, SIG_IGN);
          tell(end, 1);
          wait_for_end(std::move(end));
        },
        std::move(there));
    BOOST_TEST(hear<int>(here) == 1);
  }
  BOOST_TEST(all_gone(here));
}

// known failure 33: orphans after the parent is killed. known failure 27: daemons may have children
BOOST_DATA_TEST_CASE(daemons_of_daemons_die_with_a_killed_root, every_start_method, method) {
  auto [here, there] = pipe();
  constexpr int generations = 3;
  process root(by(method), fn<&start_another_and_hold>, method, true, std::move(there), generations);
  BOOST_TEST(hear<std::int64_t>(here) > 0);
  root.kill();
  BOOST_TEST(all_gone(here));
}

BOOST_DATA_TEST_CASE(daemons_end_when_their_parent_exits, every_start_method, method) {
  auto [here, there] = pipe();
  process root(by(method), fn<&start_another_and_return>, method, std::move(there));
  BOOST_TEST(hear<std::int64_t>(here) > 0);
  BOOST_TEST(all_gone(here));
  root.join();
  BOOST_TEST(root.exit_code().value() == 0);
}

BOOST_DATA_TEST_CASE(a_child_that_is_no_daemon_survives_its_parent, every_start_method, method) {
  auto [here, there] = pipe();
  process root(by(method), fn<&start_another_and_hold>, method, false, std::move(there), 1);
  BOOST_TEST(hear<std::int64_t>(here) > 0);
  root.kill();
  root.join();
  // The child is still there: it hears, and only then leaves.
  here.send(0);
  BOOST_TEST(all_gone(here));
}

// known failure 12: a copy of the parent made by a plain fork keeps what hangs on its pipes
BOOST_AUTO_TEST_CASE(a_plain_fork_of_the_parent_does_not_keep_its_daemons_alive) {
  auto [daemon_here, daemon_there] = pipe();
  auto [fork_here, fork_there] = pipe();
  process root(fn<&hold_beside_a_raw_fork>, std::move(daemon_there), std::move(fork_there));
  BOOST_TEST(hear<std::int64_t>(fork_here) > 0);
  root.kill();
  // The copy has an end of the daemon's line too only if it is still alive, and it holds nothing of that.
  BOOST_TEST(all_gone(daemon_here));
  fork_here.send(0);
  BOOST_TEST(all_gone(fork_here));
}

BOOST_AUTO_TEST_SUITE_END()
