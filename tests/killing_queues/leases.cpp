// SPDX-License-Identifier: BSL-1.0
// Those who take under leases are killed at any instruction: nothing is lost, and nothing comes twice but
// what they had.
#include <ferry/joinable_queue.hpp>
#include <ferry/queue.hpp>

#include "killing_queues/queues.hpp"
#include "support/killing.hpp"

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <memory>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// With items 1 to 3.
std::shared_ptr<parcels> filled_queue(std::size_t handles) {
  auto queue = std::make_shared<parcels>();
  for (std::uint32_t number = 1; number <= 3; ++number) queue->put(parcel(number, small, handles));
  return queue;
}

/// Takes what there is; the numbers, of which each may come once.
std::vector<std::uint32_t> take_all(parcels& from, std::size_t count, std::size_t handles) {
  std::vector<std::uint32_t> got;
  while (got.size() < count) {
    auto next = from.get_leased_for(patience);
    BOOST_REQUIRE(next);
    check_parcel(**next, (*next)->number);
    BOOST_TEST((*next)->handles.size() == handles);
    got.push_back((*next)->number);
    next->ack();
  }
  BOOST_TEST(from.empty());
  std::sort(got.begin(), got.end());
  return got;
}

void kill_while_leasing(std::size_t handles) {
  report(kill_everywhere([=] {
    const auto queue = filled_queue(handles);
    return deed{[=] { new auto(queue->get_leased()); },
                [=] {
                  BOOST_TEST(take_all(*queue, 3, handles) == std::vector<std::uint32_t>({1, 2, 3}));
                  queue->close();
                  BOOST_CHECK_THROW(queue->get(), end_of_stream);
                }};
  }));
}

/// Runs in the child: takes an item, which is then in its hands.
void kill_while_ending(bool acknowledge, std::size_t handles) {
  report(kill_everywhere([=] {
    const auto queue = filled_queue(handles);
    return deed{
        [=] {
          auto held = queue->get_leased();
          if (acknowledge)
            held.ack();
          else
            held.give_back();
        },
        [=] {
          // Either it is done with, or it comes again.
          std::vector<std::uint32_t> got;
          while (auto next = queue->get_leased_for(got.size() < 2 ? patience : std::chrono::seconds(0))) {
            got.push_back((*next)->number);
            BOOST_TEST((*next)->handles.size() == handles);
            next->ack();
          }
          std::sort(got.begin(), got.end());
          if (got.size() == 2 && acknowledge)
            BOOST_TEST(got == std::vector<std::uint32_t>({2, 3}));
          else
            BOOST_TEST(got == std::vector<std::uint32_t>({1, 2, 3}));
        }};
  }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(leases_killed_at_any_instruction)

BOOST_AUTO_TEST_CASE(an_item_taken_under_a_lease_is_never_lost) {
  kill_while_leasing(0);
}
BOOST_AUTO_TEST_CASE(handles_of_an_item_taken_under_a_lease_are_never_lost) {
  kill_while_leasing(1);
}
BOOST_AUTO_TEST_CASE(an_item_is_acknowledged_or_comes_again) {
  kill_while_ending(true, 0);
}
BOOST_AUTO_TEST_CASE(an_item_that_is_given_back_comes_again) {
  kill_while_ending(false, 0);
}
BOOST_AUTO_TEST_CASE(an_item_with_handles_that_is_given_back_comes_again) {
  kill_while_ending(false, 1);
}

// There is no room to put handles aside that lie in front of others.
BOOST_AUTO_TEST_CASE(a_consumer_that_is_done_with_an_item_takes_along_no_handles_of_those_before_it) {
  report(kill_everywhere(
      [] {
        const auto queue = std::make_shared<parcels>();
        std::uint32_t count = 0;
        while (queue->try_put(parcel(count + 1, small, 1))) ++count;
        const auto first = std::make_shared<lease<parcel>>(queue->get_leased());
        return deed{[=] { queue->get_leased().ack(); },
                    [=] {
                      first->give_back();
                      std::vector<std::uint32_t> got;
                      while (auto next = queue->get_leased_for(got.size() + 1 < count ? patience / 10 : 0s)) {
                        got.push_back((*next)->number);
                        BOOST_TEST((*next)->handles.size() == 1U);
                        next->ack();
                      }
                      BOOST_TEST(got.size() + 1 >= count);
                      BOOST_TEST(got.front() == 1U);
                    }};
      },
      4s));
}

BOOST_AUTO_TEST_CASE(a_task_of_a_killed_process_is_done_or_told_as_lost) {
  report(kill_everywhere([] {
    const auto tasks = std::make_shared<joinable_queue<int>>();
    tasks->put(1);
    return deed{[=] {
                  tasks->get();
                  tasks->task_done();
                },
                [=] {
                  if (tasks->size() != 0) {
                    tasks->get();
                    tasks->task_done();
                  }
                  try {
                    BOOST_TEST(tasks->join_for(patience));
                  } catch (const tasks_lost& told) {
                    BOOST_TEST(told.count() == 1U);
                  }
                  BOOST_TEST(tasks->join_for(patience));
                }};
  }));
}

BOOST_AUTO_TEST_SUITE_END()
