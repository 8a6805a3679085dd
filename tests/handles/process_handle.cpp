// SPDX-License-Identifier: BSL-1.0
// Handles of processes: watching, signalling, crossing.
#include <ferry/error.hpp>
#include <ferry/process_handle.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(process_handles)

BOOST_AUTO_TEST_CASE(a_process_that_is_not_there_cannot_be_opened) {
  forked_child child([] { return 0; });
  const pid_t pid = child.pid();
  BOOST_TEST(child.wait() == 0);
  for (const std::int64_t none :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{pid}, std::numeric_limits<std::int64_t>::max()})
    BOOST_CHECK_EXCEPTION(process_handle::open(none), system_error, has_code(std::errc::no_such_process));
}

BOOST_AUTO_TEST_CASE(a_handle_of_no_process_is_refused) {
  const auto null = [] { return unique_handle(::open("/dev/null", O_RDONLY | O_CLOEXEC)); };
  BOOST_CHECK_EXCEPTION(process_handle::adopt(null()), system_error,
                        has_code(std::errc::bad_file_descriptor));
  BOOST_CHECK_THROW(process_handle::adopt(unique_handle()), system_error);
  BOOST_CHECK_THROW(reducer<process_handle>::rebuild(null(), ::getpid(), ""), archive_error);
}

BOOST_AUTO_TEST_CASE(a_handle_of_another_process_than_announced_is_refused) {
  const process_handle self = process_handle::open(::getpid());
  BOOST_CHECK_THROW(
      reducer<process_handle>::rebuild(duplicate(handle_view(self.native_handle())), ::getpid() + 1, ""),
      archive_error);
}

// conformance: _TestProcess.test_sentinel
BOOST_AUTO_TEST_CASE(a_process_is_alive_until_it_ends_even_if_nobody_waited_for_it) {
  forked_child child([] { return ::pause(); });
  const process_handle handle = process_handle::open(child.pid(), "sleeper");
  BOOST_TEST(handle.pid() == child.pid());
  BOOST_TEST(handle.name() == "sleeper");
  BOOST_TEST(handle.is_alive());
  BOOST_TEST(!handle.wait_for(0s));
  BOOST_TEST(!handle.wait_for(1ms));
  handle.terminate();
  handle.wait();
  BOOST_TEST(!handle.is_alive());
  BOOST_TEST(child.wait() == -SIGTERM);
  BOOST_TEST(!handle.is_alive());
  BOOST_TEST(handle.wait_for(patience));
}

BOOST_AUTO_TEST_CASE(each_request_sends_its_signal_and_none_to_the_dead) {
  using request = void (process_handle::*)() const;
  const std::pair<request, int> requests[] = {{&process_handle::terminate, SIGTERM},
                                              {&process_handle::kill, SIGKILL},
                                              {&process_handle::interrupt, SIGINT}};
  for (const auto& [send, number] : requests) {
    forked_child child([] { return ::pause(); });
    const process_handle handle = process_handle::open(child.pid());
    (handle.*send)();
    BOOST_TEST(child.wait() == -number);
    (handle.*send)();
  }
}

BOOST_AUTO_TEST_CASE(a_handle_that_crossed_watches_and_signals_the_same_process) {
  forked_child child([] { return ::pause(); });
  const process_handle crossed = cross(process_handle::open(child.pid(), "worker"));
  BOOST_TEST(crossed.pid() == child.pid());
  BOOST_TEST(crossed.name() == "worker");
  BOOST_TEST(crossed.is_alive());
  BOOST_TEST(fork_child([&crossed] {  // a process that is no relative of it
               crossed.kill();
               return crossed.wait_for(patience) ? 0 : 1;
             }) == 0);
  BOOST_TEST(child.wait() == -SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_handle_of_a_process_long_gone_still_crosses) {
  std::optional<process_handle> handle;
  {
    forked_child child([] { return 0; });
    handle = process_handle::open(child.pid());
    BOOST_TEST(child.wait() == 0);
  }
  const process_handle crossed = cross(*handle);
  BOOST_TEST(!crossed.is_alive());
  BOOST_TEST(crossed.pid() == -1);
}

BOOST_AUTO_TEST_CASE(waiting_goes_on_after_a_signal) {
  forked_child child([] { return ::pause(); });
  const process_handle handle = process_handle::open(child.pid());
  static int calls;
  calls = 0;
  const scoped_system_call interrupted(&os::system_calls::poll, [](pollfd* items, nfds_t count, int time) {
    if (++calls % 2 == 1) {
      errno = EINTR;
      return -1;
    }
    return ::poll(items, count, time);
  });
  BOOST_TEST(!handle.wait_for(20ms));
  handle.kill();
  BOOST_TEST(handle.wait_for(patience));
  BOOST_TEST(calls >= 4);
}

BOOST_AUTO_TEST_SUITE_END()
