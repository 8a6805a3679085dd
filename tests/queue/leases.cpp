// SPDX-License-Identifier: BSL-1.0
// Items under leases, and tasks whose end is waited for.
#include <ferry/connection.hpp>
#include <ferry/joinable_queue.hpp>
#include <ferry/process.hpp>
#include <ferry/queue.hpp>

#include "os/memory.hpp"
#include "os/wait.hpp"
#include "queue/ring_layout.hpp"
#include "queue/support.hpp"
#include "support/child.hpp"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <list>
#include <signal.h>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

template <class T>
lease<T> take_leased(queue<T>& from) {
  auto item = from.get_leased_for(patience);
  if (!item) throw std::runtime_error("nothing came in time");
  return std::move(*item);
}

/// Takes so many under leases, in a process that is killed then.
void take_and_be_killed(queue<int>& from, int count) {
  BOOST_TEST(fork_child([&] {
               std::vector<lease<int>> held;
               while (count-- > 0) held.push_back(take_leased(from));
               ::raise(SIGKILL);
               return 0;
             }) == -SIGKILL);
}

void do_tasks(joinable_queue<int> tasks, queue<int> results) {
  for (const int each : tasks) {
    results.put(each);
    tasks.task_done();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(leases)

BOOST_AUTO_TEST_CASE(an_item_that_cannot_be_read_does_not_come_again) {
  queue<poison> queue;
  queue.put({-1});
  BOOST_CHECK_THROW(queue.get_leased(), std::runtime_error);
  BOOST_CHECK(!queue.try_get_leased());
}

BOOST_AUTO_TEST_CASE(an_acknowledged_item_is_gone_and_a_dropped_one_comes_again) {
  queue<std::string> queue;
  for (const char* const each : {"a", "b", "c"}) queue.put(each);
  {
    auto first = take_leased(queue);
    BOOST_TEST(*first == "a");
    BOOST_TEST(queue.size() == 2U);
    *first = "changed";
  }
  BOOST_TEST(queue.size() == 3U);
  auto again = take_leased(queue);
  BOOST_TEST(*again == "a");
  again.ack();
  again.ack();
  again.give_back();
  BOOST_TEST(queue.size() == 2U);
  BOOST_TEST(queue.get() == "b");
  auto moved = take_leased(queue), target = std::move(moved);
  BOOST_TEST(target.value() == "c");
  target.give_back();
  target.give_back();
  BOOST_TEST(queue.size() == 1U);
  BOOST_TEST(queue.get() == "c");
  BOOST_TEST(queue.empty());
  BOOST_CHECK(!queue.try_get_leased());
}

BOOST_AUTO_TEST_CASE(items_that_a_killed_process_had_leased_come_again_once_each) {
  queue<int> queue;
  for (int i = 0; i < 5; ++i) queue.put(i);
  take_and_be_killed(queue, 3);
  BOOST_TEST(queue.size() == 2U);
  std::vector<int> got;
  while (got.size() < 5) {
    auto next = take_leased(queue);
    got.push_back(*next);
    next.ack();
  }
  // Those that waited may be taken before it is noticed.
  std::sort(got.begin(), got.end());
  BOOST_TEST(got == std::vector<int>({0, 1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_closed_queue_waits_for_leases_of_others_but_not_for_those_of_one_who_asks) {
  queue<int> queue;
  queue.put(1);
  auto mine = take_leased(queue);
  queue.close();
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
  forked_child waiting([&] {
    auto given_back = take_leased(queue);
    given_back.ack();
    try {
      queue.get();
    } catch (const end_of_stream&) {
      return *given_back;
    }
    return 0;
  });
  std::this_thread::sleep_for(20ms);
  mine.give_back();
  BOOST_TEST(waiting.wait() == 1);
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_closed_queue_comes_when_the_last_lease_of_another_is_acknowledged) {
  queue<int> queue;
  queue.put(1);
  auto mine = take_leased(queue);
  queue.close();
  forked_child waiting([&] {
    try {
      queue.get();
    } catch (const end_of_stream&) {
      return 7;
    }
    return 0;
  });
  std::this_thread::sleep_for(20ms);
  mine.ack();
  BOOST_TEST(waiting.wait() == 7);
}

BOOST_AUTO_TEST_CASE(items_under_leases_take_no_room_by_the_bounds) {
  queue<std::string> queue({.max_items = 2, .max_bytes = 10'000});
  queue.put(std::string(4000, 'x'));
  queue.put(std::string(4000, 'y'));
  BOOST_TEST(queue.full());
  auto first = take_leased(queue);
  BOOST_TEST(queue.try_put(std::string(4000, 'z')));
  first.give_back();
  BOOST_TEST(queue.size() == 3U);
  BOOST_TEST(queue.full());
  queue.get();
  BOOST_TEST(queue.full());
  queue.get();
  BOOST_TEST(queue.try_put(std::string(4000, 'z')));
}

BOOST_AUTO_TEST_CASE(leases_in_rings_that_the_queue_has_left_behind_end_like_others) {
  queue<std::string> queue;
  std::list<lease<std::string>> held;
  const auto item = [](int number) { return std::string(20'000, static_cast<char>('a' + number)); };
  for (int i = 0; i < 20; ++i) {
    queue.put(item(i));
    held.push_back(take_leased(queue));
  }
  BOOST_TEST(queue.empty());
  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(held.front().value() == item(i));
    if (i % 2 == 0) held.front().ack();
    held.pop_front();
  }
  BOOST_TEST(queue.size() == 10U);
  for (int i = 1; i < 20; i += 2) BOOST_TEST(queue.get() == item(i));
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(an_item_that_is_kept_for_long_keeps_no_more_memory_than_the_ring_it_is_in) {
  queue<std::string> queue;
  const auto is_the_ring_there = [&](std::uint32_t ring) {
    return os::examine_memory(std::get<0>(reducer<ferry::queue<std::string>>::reduce(queue))).size >=
           detail::ring_offset(ring + 1);
  };
  queue.put("kept");
  auto kept = take_leased(queue);
  for (int i = 0; i < 50'000; ++i) {
    queue.put(std::string(100, 'x'));
    take_leased(queue).ack();
  }
  BOOST_TEST(is_the_ring_there(1));
  BOOST_TEST(!is_the_ring_there(2));
  kept.give_back();
  BOOST_TEST(queue.get() == "kept");
}

BOOST_AUTO_TEST_CASE(handles_under_a_lease_survive_their_holder_and_go_when_it_is_acknowledged) {
  struct task {
    int number;
    std::vector<unique_handle> handles;
  };
  queue<task> queue;
  std::vector<std::pair<connection, connection>> pipes;
  for (int i = 0; i < 4; ++i) {
    pipes.push_back(pipe());
    std::vector<unique_handle> ends;
    ends.push_back(duplicate(handle_view(pipes.back().second.native_handle())));
    queue.put({i, std::move(ends)});
    pipes.back().second.close();
  }
  const auto is_closed = [&](int number) {
    return os::hung_up(handle_view(pipes[static_cast<std::size_t>(number)].first.native_handle()));
  };
  BOOST_TEST(fork_child([&] {
               auto first = take_leased(queue), second = take_leased(queue);
               ::raise(SIGKILL);
               return 0;
             }) == -SIGKILL);
  for (int i = 2; i < 4; ++i) {
    auto next = take_leased(queue);
    BOOST_TEST(next->number == i);
    BOOST_TEST(next->handles.size() == 1U);
    next->handles.clear();
    BOOST_TEST(!is_closed(i));
    next.ack();
    BOOST_TEST(is_closed(i));
  }
  for (int i = 0; i < 2; ++i) {
    auto next = take_leased(queue);
    BOOST_TEST(next->number == i);
    BOOST_REQUIRE(next->handles.size() == 1U);
    connection(std::move(next->handles.front())).send(i);
    BOOST_TEST(pipes[static_cast<std::size_t>(i)].first.recv<int>() == i);
    next.ack();
    BOOST_TEST(is_closed(i));
  }
}

BOOST_AUTO_TEST_CASE(more_handles_than_one_packet_takes_come_again_after_their_lease) {
  constexpr std::size_t many = 600;
  queue<std::vector<unique_handle>> queue;
  std::vector<unique_handle> handles;
  for (std::size_t i = 0; i < many; ++i) handles.push_back(duplicate(handle_view(queue.native_handle())));
  queue.put(handles);
  BOOST_TEST(take_leased(queue)->size() == many);  // and is given back
  BOOST_TEST(fork_child([&] { return take_leased(queue)->size() == many ? ::raise(SIGKILL) : 1; }) ==
             -SIGKILL);
  auto last = take_leased(queue);
  BOOST_TEST(last->size() == many);
  last.ack();
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(joinable_queues)

BOOST_AUTO_TEST_CASE(more_tasks_done_than_taken_is_an_error) {
  joinable_queue<int> tasks;
  BOOST_CHECK_THROW(tasks.task_done(), error);
  tasks.put(1);
  BOOST_CHECK_THROW(tasks.task_done(), error);
  tasks.get();
  tasks.task_done();
  BOOST_CHECK_THROW(tasks.task_done(), error);
}

BOOST_AUTO_TEST_CASE(a_queue_does_not_arrive_as_a_joinable_one) {
  BOOST_CHECK_THROW(loads<joinable_queue<int>>(dumps(queue<int>(), any_time), any_time), type_mismatch);
}

BOOST_AUTO_TEST_CASE(join_waits_until_all_is_done) {
  joinable_queue<int> tasks;
  tasks.join();
  tasks.put(1);
  BOOST_TEST(!tasks.join_for(1ms));
  tasks.get();
  BOOST_TEST(tasks.empty());
  BOOST_TEST(!tasks.join_for(1ms));
  tasks.task_done();
  tasks.join();
}

BOOST_AUTO_TEST_CASE(workers_in_all_start_methods_do_tasks_until_the_queue_is_closed) {
  for (const start_method method : all_start_methods()) {
    process_options options;
    options.context = default_context();
    options.context->method = method;
    joinable_queue<int> tasks;
    queue<int> results;
    std::list<process> workers;
    for (int i = 0; i < 2; ++i) workers.emplace_back(options, fn<&do_tasks>, tasks, results);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 100; ++i) tasks.put(i);
      BOOST_TEST(tasks.join_for(patience));
      BOOST_TEST(results.size() == static_cast<std::size_t>(100 * (round + 1)));
    }
    tasks.close();
    for (process& each : workers) each.join();
  }
  stop_forkserver();
}

BOOST_AUTO_TEST_CASE(tasks_of_a_killed_process_are_told_as_lost_and_not_waited_for) {
  joinable_queue<int> tasks;
  for (int i = 0; i < 3; ++i) tasks.put(i);
  pid_t pid = 0;
  {
    forked_child worker([&] {
      for (int i = 0; i < 3; ++i) tasks.get();
      tasks.task_done();
      ::raise(SIGKILL);
      return 0;
    });
    pid = worker.pid();
    BOOST_TEST(worker.wait() == -SIGKILL);
  }
  BOOST_CHECK_EXCEPTION(tasks.join_for(patience), tasks_lost, [&](const tasks_lost& told) {
    return told.count() == 2 && told.process() == pid &&
           std::string(told.what()).find(std::to_string(pid)) != std::string::npos;
  });
  BOOST_TEST(tasks.join_for(patience));
}

BOOST_AUTO_TEST_CASE(a_task_that_cannot_be_read_counts_as_done) {
  joinable_queue<poison> tasks;
  tasks.put({-1});
  BOOST_CHECK_THROW(tasks.get(), std::runtime_error);
  BOOST_TEST(tasks.join_for(patience));
}

BOOST_AUTO_TEST_SUITE_END()
