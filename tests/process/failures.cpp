// SPDX-License-Identifier: BSL-1.0
// Starts of processes without resources, and beside a stranger who reaps children.
#include <ferry/error.hpp>

#include "process/support.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/sandbox.hpp"
#include "support/sanitizer.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

void do_nothing_much() {}
/// For copies of a process with threads: a sanitizer that looks for leaks at the exit would take what the
/// stacks of threads that are not in the copy point to for lost.
void leave_at_once() {
  ::_exit(0);
}
void hold_on(connection line) {
  wait_for_end(std::move(line));
}
void count(const std::vector<unique_handle>& many, connection line) {
  tell(line, many.size());
}
void measure(const std::vector<double>& numbers, connection line) {
  tell(line, numbers.size());
}

/// Why the system refuses in the case that runs.
int refusal = 0;

int fail_to_spawn(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*) {
  return refusal;
}
pid_t fail_to_fork() {
  errno = refusal;
  return -1;
}
int fail_to_watch(pid_t, unsigned) {
  errno = EMFILE;
  return -1;
}

/// Starts a program that ends, and returns when it has.
int spawn_what_ends_at_once(pid_t* id, const char*, const posix_spawn_file_actions_t* actions,
                            const posix_spawnattr_t* attributes, char* const*, char* const* environment) {
  std::string name = "/bin/false";
  const std::array<char*, 2> arguments{name.data(), nullptr};
  const int code = ::posix_spawn(id, name.c_str(), actions, attributes, arguments.data(), environment);
  siginfo_t info{};
  if (code == 0) ::waitid(P_PID, static_cast<id_t>(*id), &info, WEXITED | WNOWAIT);
  return code;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(failures, no_forkserver_left)

BOOST_AUTO_TEST_CASE(an_error_for_lack_of_processes_names_the_limit) {
  for (const int reason : {EAGAIN, ENOMEM}) {
    refusal = reason;
    const scoped_system_call no_spawn(&os::system_calls::posix_spawn, &fail_to_spawn);
    const scoped_system_call no_fork(&os::system_calls::fork, &fail_to_fork);
    for (const start_method method : all_start_methods()) {
      BOOST_CHECK_EXCEPTION(
          process(by(method), fn<&do_nothing_much>), system_error, [reason](const system_error& error) {
            const bool names_it = std::string(error.what()).find("ulimit -u") != std::string::npos;
            return error.code().value() == reason && names_it == (reason == EAGAIN);
          });
    }
  }
}

// A child that cannot be watched is ended, not left behind.
BOOST_AUTO_TEST_CASE(a_child_that_cannot_be_watched_does_not_remain) {
  for (const start_method method : {start_method::spawn, start_method::fork}) {
    const scoped_system_call blind(&os::system_calls::pidfd_open, &fail_to_watch);
    BOOST_CHECK_THROW(process(by(method), fn<&do_nothing_much>), system_error);
  }
}

BOOST_DATA_TEST_CASE(a_start_works_or_leaves_nothing_with_any_number_of_descriptors_left, every_start_method,
                     method) {
  process(by(method), fn<&do_nothing_much>).join();  // so that a forkserver runs
  int refused = 0, started = 0;
  for (std::size_t more = 0; more < 16; ++more) {
    process child;
    {
      const scoped_fd_limit few(more);
      try {
        process_options options = by(method);
        options.daemon = more % 2 != 0;
        child = process(options, fn<&do_nothing_much>);
        ++started;
      } catch (const system_error&) {
        ++refused;
      }
    }
  }
  BOOST_TEST(refused > 0);
  BOOST_TEST(started > 0);
}

BOOST_AUTO_TEST_CASE(a_child_that_has_ended_before_its_start_is_sent_is_told_of) {
  const scoped_system_call at_once(&os::system_calls::posix_spawn, &spawn_what_ends_at_once);
  process child(by(start_method::spawn), fn<&do_nothing_much>);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), process_error, says("before it took its start"));
  BOOST_TEST(child.exit_code().value() == 1);
}

// known failure 32: a child that somebody else reaps looks alive for ever
BOOST_AUTO_TEST_CASE(a_child_reaped_elsewhere_has_ended_with_the_status_that_the_system_still_tells) {
  using state = exit_status::state;
  const bool is_told = kernel_is_since(6, 15);
  const auto check = [&](process child, exit_status expected) {
    BOOST_TEST(::waitpid(static_cast<pid_t>(child.pid()), nullptr, 0) == child.pid());
    child.join();
    BOOST_TEST(!child.is_alive());
    BOOST_TEST((child.status().is == (is_told ? expected.is : state::unknown)));
    BOOST_TEST(child.exit_code().has_value() == is_told);
    if (is_told) BOOST_TEST(child.status().code == expected.code);
    child.terminate();
  };
  for (const start_method method : {start_method::spawn, start_method::fork}) {
    check(process(by(method), [] { ::_exit(3); }), {state::exited, 3});
    check(process(by(method), [] { ::raise(SIGKILL); }), {state::killed, SIGKILL});
  }
}

// known failure 32: several threads that wait for one child
BOOST_DATA_TEST_CASE(many_threads_may_join_one_process, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&hold_on>, std::move(there));
  std::vector<std::optional<int>> codes(4);
  std::vector<std::thread> threads;
  for (auto& code : codes) {
    threads.emplace_back([&child, &code] {
      child.join();
      code = child.exit_code();
    });
  }
  here.close();
  for (std::thread& each : threads) each.join();
  for (const auto& code : codes) BOOST_TEST(code.value() == 0);
}

// known failure 34: a fork inherits the other end of the pipe
BOOST_DATA_TEST_CASE(a_child_sees_the_end_when_the_parent_closes_its_end, every_start_method, method) {
  auto [here, there] = pipe();
  auto [other_here, other_there] = pipe();
  process child(by(method), fn<&hold_on>, std::move(there));
  process sibling(by(method), fn<&hold_on>, std::move(other_there));
  here.close();
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
  other_here.close();
}

// known failure 35: more handles than one system call carries
BOOST_DATA_TEST_CASE(hundreds_of_handles_cross_in_one_start, every_start_method, method) {
  auto [here, there] = pipe();
  std::vector<unique_handle> many;
  const unique_handle one = duplicate(handle_view(there.native_handle()));
  for (int i = 0; i < 400; ++i) many.push_back(duplicate(one));
  process child(by(method), fn<&count>, std::move(many), std::move(there));
  BOOST_TEST(hear<std::size_t>(here) == 400U);
}

// known failure 19: the parent writes large arguments until the child has read them
BOOST_DATA_TEST_CASE(large_arguments_do_not_hold_up_the_parent, every_start_method, method) {
  auto [here, there] = pipe();
  const std::vector<double> numbers(4 << 20);
  process child(by(method), fn<&measure>, numbers, std::move(there));
  BOOST_TEST(hear<std::size_t>(here) == numbers.size());
}

BOOST_DATA_TEST_CASE(threads_start_processes_at_once, boost::unit_test::data::make(methods_beside_threads()),
                     method) {
  process(by(start_method::forkserver), fn<&do_nothing_much>).join();
  process_options options = by(method);
  options.context->fork_with_threads = true;
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 15; ++i) {
        process child(options, fn<&leave_at_once>);
        child.join();
        good += child.exit_code() == 0;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  BOOST_TEST(good == 45);
}

BOOST_AUTO_TEST_SUITE_END()
