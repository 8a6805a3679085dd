// SPDX-License-Identifier: BSL-1.0
// Once flags among threads and processes, though some of those who call fail.
#include <ferry/archive.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/lock_cases.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;

BOOST_AUTO_TEST_SUITE(once_flags)

BOOST_AUTO_TEST_CASE(a_call_from_inside_the_called_function_is_an_error) {
  const once_flag flag;
  BOOST_CHECK_EXCEPTION(call_once(flag, [&] { call_once(flag, [] {}); }), system_error,
                        fails_with(std::errc::resource_deadlock_would_occur, "lock a mutex"));
  BOOST_TEST(!flag.is_done());
}

BOOST_AUTO_TEST_CASE(a_once_flag_crosses_outside_a_start_only_when_asked_to) {
  const once_flag flag;
  BOOST_CHECK_THROW(dumps(flag), spawning_error);
  const auto same = loads<once_flag>(dumps(flag, {.mode = transfer::duplicate}));
  call_once(flag, [] {});
  BOOST_TEST(same.is_done());
  BOOST_TEST((same == flag));
}

BOOST_AUTO_TEST_CASE(a_call_is_made_once_with_its_arguments) {
  const once_flag flag{arena(64)};
  std::string text;
  const auto add = [](std::string& to, const char* what) { to += what; };
  for (const char* const each : {"a", "b"}) call_once(flag, add, std::ref(text), each);
  BOOST_TEST(text == "a");
  BOOST_TEST((std::ostringstream() << flag << once_flag()).str() ==
             "ferry::once_flag(done)ferry::once_flag(not done)");
}

BOOST_AUTO_TEST_CASE(the_next_caller_does_what_an_exception_left_undone) {
  const once_flag flag;
  BOOST_CHECK_THROW(call_once(flag, [] { throw std::runtime_error("on purpose"); }), std::runtime_error);
  BOOST_TEST(!flag.is_done());
  call_once(flag, [] {});
  BOOST_TEST(flag.is_done());
}

BOOST_AUTO_TEST_CASE(the_next_caller_does_what_a_killed_process_left_undone) {
  const once_flag flag;
  BOOST_TEST(fork_child([&] {
               call_once(flag, [] { ::raise(SIGKILL); });
               return 0;
             }) == -SIGKILL);
  BOOST_TEST(!flag.is_done());
  int calls = 0;
  call_once(flag, [&] { ++calls; });
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(one_of_many_threads_and_processes_does_it_and_all_see_it_done) {
  for (int round = 0; round < 20; ++round) {
    const once_flag flag;
    const shared_value<int> calls(0);
    const auto work = [&] {
      call_once(flag, [&] { *calls += 1; });
      return *calls == 1 ? 0 : 1;
    };
    forked_child first(work), second(work);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
    for (auto& each : threads) each.join();
    BOOST_TEST(first.wait() == 0);
    BOOST_TEST(second.wait() == 0);
    BOOST_TEST(*calls == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
