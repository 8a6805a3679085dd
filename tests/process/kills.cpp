// SPDX-License-Identifier: BSL-1.0
// Killing a process after every system call and among the instructions of its start: nobody hangs, nobody is
// left.
#include <ferry/error.hpp>

#include "process/support.hpp"
#include "support/faults.hpp"

#include <csignal>
#include <random>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

void say_hello(connection line) {
  tell(line, 1);
}
void keep_line(connection line) {
  wait_for_end(std::move(line));
}

/// Starts a daemon that holds the line, as what is killed while it does so.
void start_daemon(connection line) {
  os::calls() = {};  // a forked copy has the faults of its parent
  process_options options;
  options.daemon = true;
  const process child(options, fn<&keep_line>, std::move(line));
}

/// The next child, from its first instructions on, does only what this test lets it.
pid_t traced = 0;

void seize(pid_t child) {
  BOOST_REQUIRE(::ptrace(PTRACE_SEIZE, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) == 0);
  ::ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr);
  ::waitpid(child, nullptr, __WALL);
  traced = child;
}
int spawn_seized(pid_t* child, const char* path, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
  const int code = ::posix_spawn(child, path, actions, attributes, arguments, environment);
  if (code == 0) seize(*child);
  return code;
}
pid_t fork_seized() {
  const pid_t child = ::fork();
  if (child > 0) seize(child);
  return child;
}

/// @param how  PTRACE_SYSCALL or PTRACE_SINGLESTEP
/// @returns whether the process still lives after so many steps
bool step(int how, int count) {
  for (; count > 0; --count) {
    ::ptrace(static_cast<__ptrace_request>(how), traced, nullptr, nullptr);
    siginfo_t state{};
    if (::waitid(P_PID, static_cast<id_t>(traced), &state, WEXITED | WSTOPPED | WNOWAIT) != 0) return false;
    if (state.si_code != CLD_TRAPPED && state.si_code != CLD_STOPPED) return false;
    ::waitpid(traced, nullptr, __WALL | WUNTRACED);
  }
  return true;
}

/// Starts a process with `start`, lets it make `calls` stops at system calls and `instructions` steps, kills
/// it.
/// @returns false when it came to its own end before
template <class Start>
bool kill_after(int calls, int instructions, Start start) {
  process child;
  {
    const scoped_system_call spawning(&os::system_calls::posix_spawn, &spawn_seized);
    const scoped_system_call forking(&os::system_calls::fork, &fork_seized);
    child = start();
  }
  const bool lives = step(PTRACE_SYSCALL, calls) && step(PTRACE_SINGLESTEP, instructions);
  child.kill();
  BOOST_REQUIRE(child.join_for(patience));
  BOOST_TEST(child.status().ended());
  if (lives) BOOST_TEST(child.exit_code().value() == -SIGKILL);
  return lives;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kills, no_forkserver_left)

BOOST_DATA_TEST_CASE(a_child_killed_after_any_system_call_of_its_life_is_reported,
                     boost::unit_test::data::make({start_method::spawn, start_method::fork}), method) {
  for (int calls = 0; calls < 2000; ++calls) {
    auto [here, there] = pipe();
    const bool killed = kill_after(
        calls, 0, [&, &end = there] { return process(by(method), fn<&say_hello>, std::move(end)); });
    if (!killed) {
      BOOST_TEST(calls > 10);
      return;
    }
    // It may have said something; then comes the end, not silence.
    try {
      hear<int>(here);
      hear<int>(here);
      BOOST_ERROR("heard of a child that is dead");
    } catch (const end_of_stream&) {
    }
  }
  BOOST_ERROR("the child never ended by itself");
}

BOOST_DATA_TEST_CASE(a_child_killed_between_system_calls_is_reported,
                     boost::unit_test::data::make({start_method::spawn, start_method::fork}), method) {
  std::minstd_rand random(17);
  for (int run = 0; run < 150; ++run) {
    auto [here, there] = pipe();
    kill_after(static_cast<int>(random() % 150), static_cast<int>(random() % 2000),
               [&, &end = there] { return process(by(method), fn<&say_hello>, std::move(end)); });
    BOOST_REQUIRE(all_gone(here) || all_gone(here));
  }
}

// What it was starting goes with it.
BOOST_AUTO_TEST_CASE(a_parent_killed_after_any_system_call_of_a_start_leaves_no_daemon) {
  for (int calls = 0; calls < 2000; ++calls) {
    auto [here, there] = pipe();
    const bool killed = kill_after(calls, 0, [&, &end = there] {
      return process(by(start_method::fork), fn<&start_daemon>, std::move(end));
    });
    BOOST_REQUIRE(all_gone(here));
    if (!killed) {
      BOOST_TEST(calls > 20);
      return;
    }
  }
  BOOST_ERROR("the parent never ended by itself");
}

BOOST_DATA_TEST_CASE(a_child_killed_at_any_moment_is_reported, every_start_method, method) {
  std::minstd_rand random(42);
  for (int run = 0; run < 60; ++run) {
    auto [here, there] = pipe();
    process child(by(method), fn<&keep_line>, std::move(there));
    ::usleep(static_cast<useconds_t>(random() % 3000));
    child.kill();
    BOOST_REQUIRE(child.join_for(patience));
    BOOST_TEST(child.exit_code().value() == -SIGKILL);
    BOOST_REQUIRE(all_gone(here));
  }
}

BOOST_AUTO_TEST_SUITE_END()
