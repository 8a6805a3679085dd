// SPDX-License-Identifier: BSL-1.0
// Barriers whose parties are processes, which may be killed, leave, and be forked.
#include <ferry/barrier.hpp>
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/event.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_value.hpp>

#include "os/park.hpp"
#include "process/support.hpp"
#include "support/child.hpp"
#include "sync/barrier_support.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Takes part in rounds, then leaves.
void take_part(const barrier<>& where, int rounds) {
  for (int i = 0; i < rounds; ++i) where.wait_for(patience);
}

void pass_a_thousand(const barrier<>& step, connection line) {
  for (int round = 0; round < 1000; ++round) {
    tell(line, round);
    step.wait_for(patience);
  }
}

using counting = barrier<count_rounds>;
void pass_with_action(const counting& step) {
  for (int i = 0; i < 10; ++i) step.wait_for(patience);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(barriers)

// known failure 22: a barrier hangs if a waiter died
BOOST_AUTO_TEST_CASE(a_party_that_is_killed_while_it_waits_breaks_the_barrier) {
  const barrier<> step(3);
  forked_child victim([&] { return step.wait_for(patience) == 0 ? 0 : 1; });
  until_waiting(step, 1);
  victim.signal(SIGKILL);
  victim.wait();
  BOOST_CHECK_EXCEPTION(step.wait_for(patience), broken_barrier,
                        breaks_by(cause::process_ended, victim.pid()));
  BOOST_CHECK_EXCEPTION(step.wait_for(patience), broken_barrier,
                        breaks_by(cause::process_ended, victim.pid()));
  step.reset();
  const crowd others(2, [&](int) { take_part(step, 3); });
  take_part(step, 3);
}

BOOST_AUTO_TEST_CASE(a_party_that_ends_between_two_rounds_breaks_the_barrier_for_those_who_wait) {
  const barrier<> step(3);
  forked_child victim([&] {
    step.wait_for(patience);
    return 0;  // without leaving it: nothing is destroyed in such a child
  });
  std::atomic<int> broken{0};
  {
    const crowd others(2, [&](int) {
      take_part(step, 1);
      broken += wait_at(step).broken == cause::process_ended ? 1 : 0;
    });
  }
  BOOST_TEST(victim.wait() == 0);
  BOOST_TEST(broken == 2);
}

BOOST_AUTO_TEST_CASE(a_party_that_has_left_is_not_expected) {
  const barrier<> step(2);
  for (int i = 0; i < 3; ++i) {
    forked_child passing([&] {
      const auto mine = sent(step);
      take_part(mine, 2);
      return 0;
    });
    take_part(step, 2);
    BOOST_TEST(passing.wait() == 0);
  }
  // Nobody has died, so this one waits until another comes: also when it looks around, at each heartbeat.
  const crowd late(1, [&](int) {
    until_waiting(step, 1);
    std::this_thread::sleep_for(2 * os::heartbeat);
    take_part(step, 1);
  });
  take_part(step, 1);
}

BOOST_AUTO_TEST_CASE(a_forked_copy_that_goes_takes_nobody_out) {
  const barrier<> step(2);
  const event copy_is_gone;
  forked_child other([&] {
    const std::unique_ptr<barrier<>> mine = std::make_unique<barrier<>>(sent(step));
    mine->wait_for(patience);
    forked_child copy([&] {
      const_cast<std::unique_ptr<barrier<>>&>(mine).reset();
      return 0;
    });
    copy.wait();
    copy_is_gone.set();
    semaphore(0).acquire();
    return 0;
  });
  take_part(step, 1);
  BOOST_TEST_REQUIRE(copy_is_gone.wait_for(patience));
  other.signal(SIGKILL);
  other.wait();
  BOOST_CHECK_EXCEPTION(step.wait_for(patience), broken_barrier,
                        breaks_by(cause::process_ended, other.pid()));
}

BOOST_AUTO_TEST_CASE(more_processes_than_a_barrier_keeps_account_of_are_refused) {
  const barrier<> step(1);
  std::vector<barrier<>> copies;
  for (int i = 0; i < 1 + 64; ++i) copies.push_back(sent(step));
  for (const barrier<>& each : copies) each.wait();
  BOOST_CHECK_THROW(step.wait(), system_error);
  copies.pop_back();
  step.wait();
}

BOOST_AUTO_TEST_CASE(a_broken_barrier_is_told_of_in_another_process) {
  const broken_barrier thrown(cause::process_ended, 42);
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(std::make_exception_ptr(thrown))));
  } catch (const broken_barrier& arrived) {
    BOOST_TEST((arrived.why() == cause::process_ended));
    BOOST_TEST(arrived.pid() == 42);
    BOOST_TEST(arrived.what() == std::string(thrown.what()));
  }
}

// conformance: _TestBarrier.test_thousand
BOOST_DATA_TEST_CASE_F(no_forkserver_left, rounds_of_processes_never_interleave, every_start_method) {
  constexpr int parties = 5;
  const barrier<> step(parties);
  auto [here, there] = pipe();
  std::vector<std::unique_ptr<process>> children;
  for (int i = 0; i < parties; ++i)
    children.push_back(std::make_unique<process>(by(sample), fn<&pass_a_thousand>, step, there));
  there.close();
  int interleaved = 0;
  for (int round = 0; round < 1000; ++round)
    for (int i = 0; i < parties; ++i) interleaved += hear<int>(here) == round ? 0 : 1;
  BOOST_TEST(interleaved == 0);
  for (const auto& child : children) {
    child->join();
    BOOST_TEST(child->exit_code().value() == 0);
  }
  BOOST_TEST(!step.broken());
}

BOOST_DATA_TEST_CASE_F(no_forkserver_left, children_that_have_passed_leave_in_order, every_start_method) {
  const shared_value<std::atomic<int>> count(0);
  const counting step(3, count_rounds{count});
  {
    const process one(by(sample), fn<&pass_with_action>, step), two(by(sample), fn<&pass_with_action>, step);
    pass_with_action(step);
  }
  BOOST_TEST(*count == 10);
  step.reset();  // forgets nobody: all have left
  BOOST_CHECK_EXCEPTION(step.wait_for(300ms), broken_barrier, breaks_by(cause::timed_out));
}

BOOST_AUTO_TEST_SUITE_END()
