// SPDX-License-Identifier: BSL-1.0
// Lifetime of forkservers: nothing of them is left, no zombie of one, nor of its children.
#include <ferry/error.hpp>

#include "process/support.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

void tell_server_and_exit(connection line, int code) {
  tell(line, static_cast<std::int64_t>(::getppid()));
  wait_for_end(std::move(line));
  std::exit(code);
}
/// A child of a forkserver that lives until `line` ends. @returns the server
pid_t start_child(process& child, connection& here, connection there, int code = 9) {
  child = process(by(start_method::forkserver), fn<&tell_server_and_exit>, std::move(there), code);
  return static_cast<pid_t>(hear<std::int64_t>(here));
}

void wait_until_ended(pid_t process) {
  siginfo_t info{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) == 0);
}
bool has_no_children() {
  return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

/// A program that has used forkservers and comes to its end.
void use_servers_and_exit(connection line) {
  process(by(start_method::forkserver), fn<&nothing>).join();
  static process& left_behind = *new process;
  static connection& end = *new connection;
  auto [here, there] = pipe();
  start_child(left_behind, here, std::move(there));
  end = std::move(here);
  std::atexit([] { end.close(); });
  tell(line, true);
}
void use_a_server_at_the_exit(connection) {
  // Runs after the handlers that Ferry registers from here on.
  std::atexit([] { process(by(start_method::forkserver), fn<&nothing>).join(); });
  process(by(start_method::forkserver), fn<&nothing>).join();
}

/// Takes the orphans of the processes below, as process 1 of a container does.
class taker_of_orphans {
 public:
  taker_of_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~taker_of_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
  taker_of_orphans(const taker_of_orphans&) = delete;
  taker_of_orphans& operator=(const taker_of_orphans&) = delete;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(servers, no_forkserver_left)

BOOST_AUTO_TEST_CASE(a_killed_server_is_reaped_by_who_looks_for_children) {
  process child;
  auto [here, there] = pipe();
  const pid_t server = start_child(child, here, std::move(there));
  ::kill(server, SIGKILL);
  wait_until_ended(server);
  BOOST_TEST(active_children().size() == 1U);
  BOOST_TEST(::waitpid(server, nullptr, WNOHANG) == -1);
  here.close();
}

BOOST_AUTO_TEST_CASE(a_killed_server_is_reaped_by_who_waits_for_a_child_of_it) {
  process child;
  auto [here, there] = pipe();
  const pid_t server = start_child(child, here, std::move(there));
  ::kill(server, SIGKILL);
  here.close();
  child.join();
  BOOST_TEST(::waitpid(server, nullptr, WNOHANG) == -1);
}

// A program that is process 1 of a container, or has asked for the orphans.
BOOST_AUTO_TEST_CASE(children_of_a_killed_server_are_reaped_by_the_program_that_they_fall_to) {
  const taker_of_orphans this_process;
  process first, second;
  auto [here, there] = pipe();
  auto [other_here, other_there] = pipe();
  const pid_t server = start_child(first, here, std::move(there), 9);
  start_child(second, other_here, std::move(other_there), 8);
  second.kill();
  ::kill(server, SIGKILL);
  here.close();
  first.join();
  second.join();
  BOOST_TEST(first.exit_code().value() == 9);
  BOOST_TEST(second.exit_code().value() == -SIGKILL);
  BOOST_TEST(has_no_children());
}

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_ends_with_its_last_child_whose_end_is_known) {
  process child;
  auto [here, there] = pipe();
  const process_handle server = process_handle::open(start_child(child, here, std::move(there)));
  stop_forkserver();
  BOOST_TEST(server.is_alive());
  here.close();
  child.join();
  BOOST_TEST(child.exit_code().value() == 9);
  BOOST_TEST(!server.is_alive());
}

BOOST_AUTO_TEST_CASE(a_program_that_ends_leaves_no_server_to_others) {
  const taker_of_orphans this_process;
  auto [here, there] = pipe();
  process program(fn<&use_servers_and_exit>, std::move(there));
  BOOST_TEST(hear<bool>(here));
  program.join();
  BOOST_TEST(program.exit_code().value() == 0);
  BOOST_TEST(has_no_children());
}

BOOST_AUTO_TEST_CASE(a_server_that_is_launched_at_the_exit_is_not_left_either) {
  const taker_of_orphans this_process;
  auto [here, there] = pipe();
  process program(fn<&use_a_server_at_the_exit>, std::move(there));
  program.join();
  BOOST_TEST(program.exit_code().value() == 0);
  BOOST_TEST(has_no_children());
}

BOOST_AUTO_TEST_SUITE_END()
