// SPDX-License-Identifier: BSL-1.0
// Barriers: coming together again and again, breaking, and being put in order.
#include <ferry/arena.hpp>
#include <ferry/barrier.hpp>
#include <ferry/error.hpp>
#include <ferry/event.hpp>
#include <ferry/shared_value.hpp>

#include "process/support.hpp"
#include "support/system_calls.hpp"
#include "sync/barrier_support.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <ctime>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(barriers)

BOOST_AUTO_TEST_CASE(an_impossible_number_of_parties_is_refused) {
  const auto invalid = [](const usage_error& e) { return e.kind() == error_kind::usage; };
  for (const std::ptrdiff_t parties : {std::ptrdiff_t{0}, std::ptrdiff_t{-1}, barrier<>::max() + 1})
    BOOST_CHECK_EXCEPTION(barrier<>{parties}, usage_error, invalid);
  BOOST_TEST(barrier<>{barrier<>::max()}.parties() == barrier<>::max());
}

BOOST_AUTO_TEST_CASE(an_object_that_is_no_barrier_does_not_arrive_as_one) {
  const barrier<> real(5);
  const auto [memory, offset, parties] = reducer<barrier<>>::reduce(real);
  const auto arrive = [&, from = memory](std::uint64_t place, std::uint32_t count) {
    reducer<barrier<>>::rebuild(duplicate(from), place, count);
  };
  arrive(offset, parties);
  for (const std::uint32_t wrong : {0U, 4U, 6U, 65537U, ~0U})
    BOOST_CHECK_THROW(arrive(offset, wrong), archive_error);
  BOOST_CHECK_THROW(arrive(offset + 64, parties), archive_error);
  const event other;
  const auto [other_memory, other_offset] = reducer<event>::reduce(other);
  BOOST_CHECK_THROW(reducer<barrier<>>::rebuild(duplicate(other_memory), other_offset, 5), archive_error);
}

// conformance: _TestBarrier.test_single_thread
BOOST_AUTO_TEST_CASE(one_party_does_not_wait) {
  const barrier<> alone(1);
  for (int i = 0; i < 2; ++i) BOOST_TEST(alone.wait() == 0);
  BOOST_TEST(alone.wait_for(0s) == 0);
  BOOST_TEST(alone.wait_until(std::chrono::system_clock::now()) == 0);
}

// conformance: _TestBarrier.test_barrier
BOOST_AUTO_TEST_CASE(parties_pass_in_lockstep) {
  constexpr int parties = 5, rounds = 200;
  const barrier<> step(parties);
  std::vector<std::atomic<int>> reached(parties);
  std::atomic<int> ahead{0};
  {
    const crowd all(parties, [&](int self) {
      for (int round = 0; round < rounds; ++round) {
        ++reached[static_cast<std::size_t>(self)];
        step.wait();
        for (const auto& each : reached) ahead += each == round + 1 ? 0 : 1;
        step.wait();
      }
    });
  }
  BOOST_TEST(ahead == 0);
  BOOST_TEST(step.waiting() == 0);
  BOOST_TEST(!step.broken());
  BOOST_TEST(step.parties() == parties);
}

// conformance: _TestBarrier.test_wait_return
BOOST_AUTO_TEST_CASE(each_party_has_another_index) {
  constexpr int parties = 5;
  const barrier<> step(parties);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::atomic<int>> seen(parties);
    {
      const crowd all(parties, [&](int) { ++seen[static_cast<std::size_t>(step.wait())]; });
    }
    for (const auto& each : seen) BOOST_TEST(each == 1);
  }
}

// conformance: _TestBarrier.test_abort
BOOST_AUTO_TEST_CASE(an_aborted_barrier_breaks_for_all_and_stays_broken) {
  const barrier<> step(5);
  std::atomic<int> broken{0};
  {
    const crowd others(4, [&](int) { broken += wait_at(step).broken == cause::aborted ? 1 : 0; });
    until_waiting(step, 4);
    step.abort();
  }
  BOOST_TEST(broken == 4);
  BOOST_TEST(step.broken());
  BOOST_TEST(step.waiting() == 0);
  step.abort();
  BOOST_CHECK_EXCEPTION(step.wait(), broken_barrier, breaks_by(cause::aborted));
  const barrier<> unused(2);
  unused.abort();
  BOOST_CHECK_EXCEPTION(unused.wait(), broken_barrier, breaks_by(cause::aborted));
}

// conformance: _TestBarrier.test_reset
BOOST_AUTO_TEST_CASE(a_reset_barrier_lets_go_who_waits_and_is_used_again) {
  const barrier<> step(3);
  step.reset();
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> broken{0};
    {
      const crowd others(2, [&](int) { broken += wait_at(step).broken == cause::reset ? 1 : 0; });
      until_waiting(step, 2);
      step.reset();
    }
    BOOST_TEST(broken == 2);
    BOOST_TEST(!step.broken());
    std::atomic<int> passed{0};
    {
      const crowd all(3, [&](int) { passed += wait_at(step).broken ? 0 : 1; });
    }
    BOOST_TEST(passed == 3);
  }
}

// conformance: _TestBarrier.test_abort_and_reset
BOOST_AUTO_TEST_CASE(a_broken_barrier_is_put_in_order) {
  const barrier<> step(2);
  for (int i = 0; i < 3; ++i) {
    step.abort();
    BOOST_TEST(step.broken());
    step.reset();
    BOOST_TEST(!step.broken());
    std::atomic<int> passed{0};
    {
      const crowd all(2, [&](int) { passed += wait_at(step).broken ? 0 : 1; });
    }
    BOOST_TEST(passed == 2);
  }
}

// conformance: _TestBarrier.test_timeout
BOOST_AUTO_TEST_CASE(a_party_that_waits_for_too_long_breaks_the_barrier_for_all) {
  const barrier<> step(3);
  std::atomic<int> broken{0};
  {
    const crowd patient(1, [&](int) { broken += wait_at(step).broken == cause::timed_out ? 1 : 0; });
    until_waiting(step, 1);
    const auto begin = deadline::clock::now();
    BOOST_CHECK_EXCEPTION(step.wait_for(30ms), broken_barrier, breaks_by(cause::timed_out));
    BOOST_TEST((deadline::clock::now() - begin >= 30ms));
  }
  BOOST_TEST(broken == 1);
  BOOST_CHECK_EXCEPTION(step.wait(), broken_barrier, breaks_by(cause::timed_out));
  step.reset();
  BOOST_CHECK_THROW(step.wait_for(0s), broken_barrier);
}

// conformance: _TestBarrier.test_default_timeout
BOOST_AUTO_TEST_CASE(the_timeout_of_a_barrier_holds_for_all_its_copies) {
  const barrier<> step(2, {}, 30ms);
  BOOST_CHECK_EXCEPTION(step.wait(), broken_barrier, breaks_by(cause::timed_out));
  step.reset();
  BOOST_CHECK_EXCEPTION(sent(step).wait(), broken_barrier, breaks_by(cause::timed_out));
  step.reset();
  std::atomic<int> passed{0};
  {
    const crowd one(1, [&](int) { passed += wait_at(step).broken ? 0 : 1; });
    until_waiting(step, 1);
    BOOST_TEST(!wait_at(step).broken.has_value());
  }
  BOOST_TEST(passed == 1);
}

namespace {

struct fail {
  void operator()() const { throw std::runtime_error("the action fails"); }
};
std::atomic<int> calls{0};
void call() {
  ++calls;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_action_runs_once_a_round_before_anybody_goes_on) {
  constexpr int parties = 4, rounds = 100;
  const shared_value<std::atomic<int>> count(0);
  const barrier step(parties, count_rounds{count});
  std::atomic<int> wrong{0};
  {
    const crowd all(parties, [&](int) {
      for (int round = 0; round < rounds; ++round) {
        step.wait();
        wrong += *count == 2 * round + 1 ? 0 : 1;
        step.wait();
      }
    });
  }
  BOOST_TEST(wrong == 0);
  BOOST_TEST(*count == 2 * rounds);
  calls = 0;
  const barrier named(1, fn<&call>);
  const barrier lambda(1, [] { ++calls; });
  named.wait();
  lambda.wait();
  sent(named).wait();
  sent(lambda).wait();
  BOOST_TEST(calls == 4);
}

BOOST_AUTO_TEST_CASE(an_action_that_fails_breaks_the_barrier) {
  const barrier step(2, fail());
  std::atomic<int> broken{0}, failed{0};
  {
    const crowd all(2, [&](int) {
      try {
        broken += wait_at(step).broken == cause::action_failed ? 1 : 0;
      } catch (const std::runtime_error& problem) {
        failed += problem.what() == std::string("the action fails") ? 1 : 0;
      }
    });
  }
  BOOST_TEST(broken == 1);
  BOOST_TEST(failed == 1);
  BOOST_TEST(step.broken());
}

BOOST_AUTO_TEST_CASE(a_barrier_may_be_aborted_or_reset_during_its_action) {
  for (const bool aborting : {true, false}) {
    static std::atomic<bool> running, go_on;
    running = go_on = false;
    const barrier step(2, [] {
      running = true;
      while (!go_on) std::this_thread::yield();
    });
    std::atomic<int> broken{0};
    {
      const crowd all(2, [&](int) {
        broken += wait_at(step).broken == (aborting ? cause::aborted : cause::reset) ? 1 : 0;
      });
      while (!running) std::this_thread::yield();
      BOOST_TEST(step.waiting() == 2);
      if (aborting)
        step.abort();
      else
        step.reset();
      go_on = true;
    }
    BOOST_TEST(broken == 2);
    BOOST_TEST(step.broken() == aborting);
  }
}

BOOST_AUTO_TEST_CASE(a_party_that_comes_while_the_action_runs_is_of_the_next_round) {
  static std::atomic<bool> running, go_on;
  running = go_on = false;
  const barrier step(1, [] {
    running = true;
    while (!go_on) std::this_thread::yield();
  });
  std::atomic<int> passed{0};
  {
    const crowd all(3, [&](int self) {
      while (self != 0 && !running) std::this_thread::yield();
      passed += wait_at(step).broken ? 0 : 1;
    });
    while (!running) std::this_thread::yield();
    std::this_thread::sleep_for(20ms);
    go_on = true;
  }
  BOOST_TEST(passed == 3);
}

BOOST_AUTO_TEST_CASE(more_threads_than_parties_take_turns) {
  const barrier<> step(3);
  std::atomic<int> passed{0}, otherwise{0};
  {
    const crowd all(6, [&](int) {
      ending end;
      while (!(end = wait_at(step)).broken) ++passed;
      otherwise += end.broken == cause::aborted ? 0 : 1;
    });
    while (passed < 3000 && !step.broken()) std::this_thread::yield();
    step.abort();
  }
  BOOST_TEST(passed % 3 == 0);
  BOOST_TEST(otherwise == 0);
}

BOOST_AUTO_TEST_CASE(a_barrier_of_one_party_makes_no_system_call) {
  const barrier<> step(1);
  const auto pass = [&](int times) {
    return count_system_calls([&step, times] {
      for (int i = 0; i < times; ++i) step.wait();
    });
  };
  BOOST_TEST(pass(20) == pass(1));  // the copy of this process finds out who it is
}

BOOST_AUTO_TEST_CASE(waiting_at_a_barrier_takes_no_processor_time) {
  const barrier<> step(3);
  const crowd other(1, [&](int) { wait_at(step); });
  const std::clock_t before = std::clock();
  BOOST_CHECK_THROW(step.wait_for(500ms), broken_barrier);
  BOOST_TEST(std::clock() - before < CLOCKS_PER_SEC / 10);
}

BOOST_AUTO_TEST_CASE(a_barrier_crosses_only_to_children_unless_duplicated) {
  arena room(4000);
  for (const barrier<>& step : {barrier<>(2), barrier<>(room, 2)}) {
    BOOST_CHECK_THROW(dumps(step), spawning_error);
    BOOST_TEST((sent(step) == step));
    BOOST_TEST((sent(barrier<>(2)) != step));
  }
  const barrier with_state(2, count_rounds{shared_value<std::atomic<int>>(0)});
  BOOST_TEST((sent(with_state) == with_state));
}

BOOST_AUTO_TEST_CASE(a_barrier_shows_its_state) {
  const barrier<> step(2);
  const auto text = [&] {
    std::ostringstream out;
    out << step;
    return out.str();
  };
  BOOST_TEST(text() == "ferry::barrier(0 of 2 wait)");
  {
    const crowd one(1, [&](int) { wait_at(step); });
    until_waiting(step, 1);
    BOOST_TEST(text() == "ferry::barrier(1 of 2 wait)");
    step.abort();
  }
  BOOST_TEST(text() == "ferry::barrier(0 of 2 wait, broken)");
}

BOOST_AUTO_TEST_SUITE_END()
