// SPDX-License-Identifier: BSL-1.0
// A process is killed at any instruction of using a semaphore or an event: the others go on, and permits that
// have an owner come back.
#include <ferry/event.hpp>
#include <ferry/semaphore.hpp>

#include "support/killing.hpp"

#include <functional>
#include <future>
#include <memory>
#include <thread>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Waits in a thread of this process for what the survivors are owed.
template <class Wait>
std::shared_future<bool> waiting(Wait wait) {
  return std::async(std::launch::async, std::move(wait)).share();
}

void all_can_be_had(const semaphore& permits, int count) {
  for (int i = 0; i < count; ++i) BOOST_TEST(permits.try_acquire_for(patience));
  BOOST_TEST(!permits.try_acquire());
  permits.release(count);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(killed_at_any_instruction_of_a_semaphore_or_event)

BOOST_AUTO_TEST_CASE(a_killed_taker_of_a_permit_takes_that_one_at_most) {
  std::size_t taken = 0, left = 0;
  report(kill_everywhere([&] {
    const semaphore permits(2);
    return deed{[=] { permits.acquire(); },
                [=, &taken, &left] {
                  ++(permits.value() == 1 ? taken : left);
                  BOOST_TEST(permits.try_acquire_for(patience));
                  permits.release();
                }};
  }));
  BOOST_WARN(taken > 0U);
  BOOST_WARN(left > 0U);
}

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_releases_a_permit_keeps_no_waiter_from_it) {
  report(kill_everywhere([] {
    const semaphore permits(0);
    const auto other = waiting([=] { return permits.try_acquire_for(patience); });
    return deed{[=] { permits.release(); },
                [=] {
                  permits.release();
                  BOOST_TEST(other.get());
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_killed_waiter_for_a_permit_keeps_no_other_from_it) {
  report(kill_everywhere([] {
    const semaphore permits(0);
    const auto other = waiting([=] { return permits.try_acquire_for(patience); });
    return deed{[=] { static_cast<void>(permits.try_acquire_for(1ms)); },
                [=] {
                  permits.release();
                  BOOST_TEST(other.get());
                  permits.release();
                  BOOST_TEST(permits.try_acquire_for(patience));
                }};
  }));
}

BOOST_AUTO_TEST_CASE(owned_permits_always_come_back) {
  report(kill_everywhere([] {
    const semaphore permits = semaphore::owned(2);
    return deed{[=] {
                  permits.acquire();
                  permits.acquire();
                  permits.release();
                  permits.acquire();
                  permits.release(2);
                },
                [=] { all_can_be_had(permits, 2); }};
  }));
}

BOOST_AUTO_TEST_CASE(owned_permits_come_back_to_those_who_wait_for_them) {
  report(kill_everywhere([] {
    const semaphore permits = semaphore::owned(1);
    const auto other = std::make_shared<std::shared_future<bool>>();
    return deed{[=] {
                  permits.acquire();
                  permits.release();
                },
                [=] {
                  *other = waiting([=] { return permits.try_acquire_for(patience); });
                  BOOST_TEST(other->get());
                  permits.release();
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_killed_waiter_for_an_owned_permit_takes_none_along) {
  report(kill_everywhere([] {
    const semaphore permits = semaphore::owned(1);
    permits.acquire();
    const auto other = waiting([=] { return permits.try_acquire_for(patience); });
    return deed{[=] { static_cast<void>(permits.try_acquire_for(1ms)); },
                [=] {
                  permits.release();
                  BOOST_TEST(other.get());
                  permits.release();
                  all_can_be_had(permits, 1);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_killed_taker_of_the_permit_of_a_dead_process_leaves_it_to_the_next) {
  report(kill_everywhere([] {
    const semaphore permits = semaphore::owned(1);
    fork_child([&] {
      permits.acquire();
      return 0;
    });
    return deed{[=] { static_cast<void>(permits.try_acquire()); }, [=] { all_can_be_had(permits, 1); }};
  }));
}

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_sets_an_event_keeps_no_waiter_waiting) {
  std::size_t set = 0, not_set = 0;
  report(kill_everywhere([&] {
    const event flag;
    const auto other = waiting([=] { return flag.wait_for(patience); });
    return deed{[=] { flag.set(); },
                [=, &set, &not_set] {
                  ++(flag.is_set() ? set : not_set);
                  if (!flag.is_set()) flag.set();
                  BOOST_TEST(other.get());
                }};
  }));
  BOOST_WARN(set > 0U);
  BOOST_WARN(not_set > 0U);
}

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_sets_clears_or_waits_leaves_the_event_in_order) {
  report(kill_everywhere([] {
    const event flag;
    return deed{[=] {
                  static_cast<void>(flag.wait_for(1ms));
                  flag.set();
                  flag.wait();
                  flag.clear();
                },
                [=] {
                  flag.clear();
                  const auto other = waiting([=] { return flag.wait_for(patience); });
                  flag.set();
                  BOOST_TEST(other.get());
                }};
  }));
}

BOOST_AUTO_TEST_SUITE_END()
