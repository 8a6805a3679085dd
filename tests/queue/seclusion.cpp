// SPDX-License-Identifier: BSL-1.0
// Leases of processes that do not see each other: without /proc, as other users, in other namespaces, and
// with no descriptor left.
#include "support/seclusion.hpp"

#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/joinable_queue.hpp>
#include <ferry/lease.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/queue.hpp>

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <optional>
#include <poll.h>
#include <unistd.h>
#include <utility>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(secluded_consumers)

BOOST_AUTO_TEST_CASE(
    a_leased_item_stays_with_a_consumer_that_others_cannot_see_and_comes_back_when_it_is_killed) {
  for (const seclusion holding : all_seclusions) {
    if (!allows(holding)) continue;
    queue<int> items, told;
    items.put(7);
    forked_child holder([&] {
      return secluded(holding, [&]() -> int {
        const auto item = items.get_leased();
        told.put(1);
        for (;;) ::pause();
      });
    });
    told.get();
    check_kept_until_killed(holder, holding, [&] {
      auto item = items.get_leased_for(100ms);
      return item ? 1 : 0;  // and gives it back
    });
  }
}

BOOST_AUTO_TEST_CASE(a_lease_taken_with_no_descriptor_left_is_acknowledged_by_who_took_it) {
  queue<int> items;
  items.put(1);
  items.put(2);
  BOOST_TEST(fork_child([&] {
               std::optional<lease<int>> item;
               {
                 const scoped_fd_limit none(0);
                 item.emplace(items.get_leased());
               }
               item->ack();
               return 0;
             }) == 0);
  BOOST_TEST(items.get() == 2);
  BOOST_TEST(!items.try_get());
}

BOOST_AUTO_TEST_CASE(a_task_taken_with_no_descriptor_left_is_done_when_its_process_says_so) {
  joinable_queue<int> tasks;
  tasks.put(1);
  BOOST_TEST(fork_child([&] {
               {
                 const scoped_fd_limit none(0);
                 tasks.get();
               }
               tasks.task_done();
               return 0;
             }) == 0);
  BOOST_TEST(tasks.join_for(10s));
}

BOOST_AUTO_TEST_CASE(a_task_whose_process_has_dropped_the_queue_is_lost_only_when_that_ends) {
  std::optional<joinable_queue<int>> tasks(std::in_place);
  queue<int> told;
  tasks->put(1);
  forked_child holder([&]() -> int {
    tasks->get();
    tasks.reset();
    told.put(1);
    for (;;) ::pause();
  });
  told.get();
  BOOST_TEST(!tasks->join_for(300ms));
  holder.signal(SIGKILL);
  holder.wait();
  BOOST_CHECK_THROW(tasks->join(), tasks_lost);
}

BOOST_AUTO_TEST_CASE(queues_and_process_handles_arrive_at_a_process_that_is_secluded) {
  for (const seclusion receiving : all_seclusions) {
    if (!allows(receiving)) continue;
    std::pair<connection, connection> ends = pipe();
    connection &here = ends.first, &there = ends.second;
    here.options().mode = there.options().mode = transfer::duplicate;
    queue<int> items;
    joinable_queue<int> tasks;
    forked_child receiver([&] {
      return secluded(receiving, [&] {
        auto arrived = there.recv<queue<int>>();
        auto more = there.recv<joinable_queue<int>>();
        const auto parent = there.recv<process_handle>();
        if (!parent.is_alive()) return 1;
        const std::pair<connection, connection> others = pipe();
        try {  // and a socket is still no process
          process_handle::adopt(duplicate(handle_view(others.first.native_handle())));
          return 2;
        } catch (const system_error&) {
        }
        pollfd waiting{arrived.native_handle(), POLLIN, 0};
        there.send(1);
        if (::poll(&waiting, 1, 10'000) != 1 || arrived.get() != 5) return 3;
        more.put(arrived.size() == 0 ? 6 : 0);
        return 0;
      });
    });
    here.send(items);
    here.send(tasks);
    here.send(process_handle::open(::getpid()));
    here.recv<int>();
    items.put(5);
    BOOST_TEST(receiver.wait() == 0, receiving);
    BOOST_TEST(tasks.get_for(10s).value_or(0) == 6);
    tasks.task_done();
  }
}

BOOST_AUTO_TEST_SUITE_END()
