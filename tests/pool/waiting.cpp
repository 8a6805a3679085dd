// SPDX-License-Identifier: BSL-1.0
// Waiting for tasks among other things, and for what the library's threads are not to take.
#include <ferry/connection.hpp>
#include <ferry/queue.hpp>
#include <ferry/wait.hpp>

#include "pool/support.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

std::string name_number(int number) {
  return std::to_string(number);
}

bool is_readable(int handle) {
  pollfd asked{handle, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

/// The blocked signals of every thread of this process.
std::vector<std::uint64_t> blocked_of_threads() {
  std::vector<std::uint64_t> found;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.rfind("SigBlk:", 0) == 0) found.push_back(std::stoull(line.substr(7), nullptr, 16));
  }
  return found;
}

std::uint64_t blocked_here() {
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("SigBlk:", 0) == 0) return std::stoull(line.substr(7), nullptr, 16);
  return 0;
}

constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << static_cast<unsigned>(signal - 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(waiting)

BOOST_AUTO_TEST_CASE(no_task_has_no_handle) {
  const task<int> none;
  BOOST_CHECK_THROW(none.native_handle(), error);
  BOOST_CHECK_THROW(none.ready(), error);
}

BOOST_AUTO_TEST_CASE(the_handle_of_a_task_is_readable_when_it_is_done) {
  signals given;
  pool pool(1, {}, fn<&take_signals>, given);
  const auto held = pool.submit(fn<&hold>, 1);
  const int handle = held.native_handle();
  BOOST_TEST(held.native_handle() == handle);
  wait_until([&] { return *given.count != 0; });
  BOOST_TEST(!is_readable(handle));
  given.go.set();
  BOOST_TEST(ferry::wait({held}, patience).contains(held));
  BOOST_TEST(is_readable(handle));
  BOOST_TEST(held.get() == 1);
  // Asked for when it is done.
  const auto done = pool.submit(fn<&square>, 3);
  BOOST_TEST(outcome(done) == 9);
  BOOST_TEST(is_readable(done.native_handle()));
}

BOOST_AUTO_TEST_CASE(tasks_of_several_types_and_connections_are_waited_for_together) {
  signals given;
  pool pool(2, {}, fn<&take_signals>, given);
  auto [here, there] = pipe();
  queue<int> numbers;
  const auto number = pool.submit(fn<&hold>, 1);
  const auto all = pool.map_async(fn<&name_number>, {1, 2, 3});
  auto ready = ferry::wait({number, here, all, numbers}, patience);
  BOOST_TEST(ready.contains(all));
  BOOST_TEST(!ready.contains(number));
  BOOST_TEST(!ready.contains(here));
  there.send(5);
  ready = ferry::wait({number, here}, patience);
  BOOST_TEST(ready.contains(here));
  given.go.set();
  ready = ferry::wait({number}, patience);
  BOOST_TEST(ready.contains(number));
  BOOST_TEST(outcome(all).size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_handle_of_a_task_is_readable_when_the_task_fails_or_is_given_up) {
  signals given;
  pool pool(1, {}, fn<&take_signals>, given);
  const auto first = pool.submit(fn<&hold>, 1);
  wait_until([&] { return *given.count != 0; });
  const auto second = pool.submit(fn<&hold>, 2), third = pool.submit(fn<&hold>, 3);
  const int cancelled = second.native_handle(), terminated = third.native_handle();
  BOOST_TEST(second.cancel());
  BOOST_TEST(is_readable(cancelled));
  pool.terminate();
  BOOST_TEST(!ferry::wait({third, first}, patience).empty());
  BOOST_TEST(is_readable(terminated));
}

BOOST_AUTO_TEST_CASE(a_pool_whose_threads_take_no_signals_leaves_them_to_the_program) {
  sigset_t usual;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &usual);
  const std::uint64_t before = blocked_here();
  for (const bool threads : {false, true}) {
    pool pool(2, threads ? of_threads() : pool_options());
    BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
    BOOST_TEST(blocked_here() == before);
    std::size_t others = 0;
    for (const std::uint64_t each : blocked_of_threads()) {
      if (each == before) continue;
      ++others;
      for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM, SIGIO, SIGWINCH})
        BOOST_TEST((each & bit(signal)) != 0U);
    }
    BOOST_TEST(others == (threads ? 3U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(a_signal_that_the_program_waits_for_comes_to_it_whenever_the_pool_was_made) {
  const pool pool(1);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
  sigset_t waited, before;
  sigemptyset(&waited);
  sigaddset(&waited, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &waited, &before);
  ::kill(::getpid(), SIGTERM);
  int got = 0;
  BOOST_TEST(::sigwait(&waited, &got) == 0);
  BOOST_TEST(got == SIGTERM);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BOOST_DATA_TEST_CASE(a_worker_begins_with_no_signal_blocked, every_start_method, method) {
  const no_forkserver_left afterwards;
  pool pool(1, by(method));
  const std::int64_t first = pool.pids().front();
  // One that the pool's own thread starts.
  ::kill(static_cast<pid_t>(first), SIGKILL);
  wait_until([&] {
    const auto now = pool.pids();
    return !now.empty() && now.front() != first;
  });
  BOOST_TEST(pool.apply([] { return blocked_here(); }) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
