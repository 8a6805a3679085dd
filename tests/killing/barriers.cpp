// SPDX-License-Identifier: BSL-1.0
// A process is killed at any instruction of using a barrier: the others pass or are told, and can go on.
#include <ferry/archive.hpp>
#include <ferry/barrier.hpp>
#include <ferry/error.hpp>

#include "support/killing.hpp"

#include <future>
#include <memory>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

using cause = broken_barrier::cause;

enum class end { passed, told_of_the_dead, broken_otherwise, hung };

end wait_at(const barrier<>& where) {
  const auto begin = deadline::clock::now();
  try {
    where.wait_for(patience);
    return end::passed;
  } catch (const broken_barrier& broken) {
    if (deadline::clock::now() - begin >= patience) return end::hung;
    if (broken.why() != cause::process_ended) return end::broken_otherwise;
    return broken.pid() != ::getpid() && broken.pid() > 0 ? end::told_of_the_dead : end::hung;
  }
}

bool is_in_order(end how) {
  return how == end::passed || how == end::told_of_the_dead;
}

std::shared_future<end> waiting_at(const barrier<>& where) {
  return std::async(std::launch::async, [where] { return wait_at(where); }).share();
}

void until_waiting(const barrier<>& where, std::ptrdiff_t count) {
  while (where.waiting() != count) std::this_thread::yield();
}

/// Two parties, after a third process was killed.
void can_be_used_again(const barrier<>& where) {
  where.reset();
  BOOST_TEST(!where.broken());
  for (int i = 0; i < 2; ++i) {
    const auto other = waiting_at(where);
    BOOST_TEST((wait_at(where) == end::passed));
    BOOST_TEST((other.get() == end::passed));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(killed_at_any_instruction_of_a_barrier)

BOOST_AUTO_TEST_CASE(the_last_party_is_made_up_for_or_told_of) {
  std::size_t with_the_dead = 0, without = 0, told = 0;
  report(kill_everywhere([&] {
    const barrier<> step(2);
    const auto other = waiting_at(step);
    until_waiting(step, 1);
    return deed{[=] { step.wait(); },
                [=, &with_the_dead, &without, &told] {
                  const end mine = wait_at(step), others = other.get();
                  BOOST_TEST(is_in_order(mine));
                  BOOST_TEST(is_in_order(others));
                  if (mine == end::passed)
                    ++without;
                  else
                    ++(others == end::passed ? with_the_dead : told);
                  can_be_used_again(step);
                }};
  }));
  BOOST_WARN(with_the_dead > 0U);
  BOOST_WARN(without > 0U);
  BOOST_WARN(told > 0U);
}

BOOST_AUTO_TEST_CASE(a_party_that_waits_is_counted_or_told_of) {
  report(kill_everywhere([] {
    const barrier<> step(2);
    return deed{[=] {
                  try {
                    step.wait_for(2ms);
                  } catch (const broken_barrier&) {
                  }
                },
                [=] {
                  const auto other = waiting_at(step);
                  BOOST_TEST((wait_at(step) != end::hung));
                  BOOST_TEST((other.get() != end::hung));
                  can_be_used_again(step);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_party_killed_while_it_aborts_and_resets_leaves_the_barrier_in_order) {
  report(kill_everywhere([] {
    const barrier<> step(2);
    const auto other = waiting_at(step);
    until_waiting(step, 1);
    return deed{[=] {
                  step.abort();
                  step.reset();
                },
                [=] {
                  step.reset();
                  BOOST_TEST((other.get() == end::broken_otherwise));
                  can_be_used_again(step);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_party_killed_while_it_leaves_has_left_or_is_told_of) {
  report(kill_everywhere([] {
    const barrier<> step(2);
    const auto other = waiting_at(step);
    until_waiting(step, 1);
    return deed{[=] {
                  auto mine = std::make_unique<barrier<>>(
                      loads<barrier<>>(dumps(step, {.mode = transfer::duplicate})));
                  mine->wait();
                  mine.reset();
                },
                [=] {
                  // With the other if the dead one never came; told of it if it has passed and not left; and
                  // if it has left, as the first of two.
                  const auto mine = waiting_at(step);
                  while (mine.wait_for(400ms) == std::future_status::timeout)
                    if (other.wait_for(0s) == std::future_status::ready && step.waiting() == 1)
                      BOOST_TEST(is_in_order(wait_at(step)));
                  BOOST_TEST(is_in_order(mine.get()));
                  BOOST_TEST(is_in_order(other.get()));
                  can_be_used_again(step);
                }};
  }));
}

BOOST_AUTO_TEST_SUITE_END()
