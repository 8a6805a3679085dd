// SPDX-License-Identifier: BSL-1.0
// The queue that is a packet socket.
#include <ferry/connection.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/simple_queue.hpp>
#include <ferry/wait.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "os/socket.hpp"
#include "queue/support.hpp"
#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <list>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Says that it is a queue of numbers, and brings other handles.
struct pair_of_ends {
  unique_handle first, second;
};

int fill(simple_queue<int>& queue) {
  int count = 0;
  while (queue.try_put(count)) ++count;
  return count;
}

void answer_twice_the_number(simple_queue<int> questions, simple_queue<int> answers) {
  for (const int each : questions) answers.put(2 * each);
  answers.close();
}

}  // namespace

template <>
struct ferry::reducer<pair_of_ends> {
  static constexpr auto name = reducer<simple_queue<int>>::name;
  static std::tuple<handle_view, handle_view, transfer, limits> reduce(const pair_of_ends& fake) {
    return {fake.first, fake.second, transfer::inherit, limits()};
  }
};

BOOST_AUTO_TEST_SUITE(simple_queues)

BOOST_AUTO_TEST_CASE(a_pair_of_other_ends_does_not_arrive_as_a_queue) {
  auto [reader, writer] = os::stream_socket_pair();
  BOOST_CHECK_THROW(loads<simple_queue<int>>(dumps(pair_of_ends{std::move(reader), std::move(writer)})),
                    archive_error);
  shared_memory memory(1);
  BOOST_CHECK_THROW(
      loads<simple_queue<int>>(dumps(pair_of_ends{duplicate(handle_view(memory.native_handle())),
                                                  duplicate(handle_view(memory.native_handle()))})),
      error);
}

BOOST_AUTO_TEST_CASE(a_queue_of_other_items_does_not_arrive_as_this_one) {
  const simple_queue<std::string> texts;
  BOOST_CHECK_THROW(loads<simple_queue<int>>(dumps(texts, any_time), any_time), type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_queue_keeps_the_mode_of_its_items_where_it_arrives) {
  simple_queue<simple_queue<int>> strict;
  simple_queue<int> item;
  BOOST_CHECK_THROW(strict.put(item), spawning_error);
  BOOST_TEST(strict.empty());
  auto lenient = another_copy_of(simple_queue<simple_queue<int>>({.mode = transfer::duplicate}));
  lenient.put(item);
  take(lenient).put(7);
  BOOST_TEST(take(item) == 7);
}

BOOST_AUTO_TEST_CASE(an_item_that_cannot_be_written_is_an_error_of_its_put_alone) {
  simple_queue<unwilling> queue;
  BOOST_CHECK_EXCEPTION(queue.put({}), std::runtime_error,
                        [](const std::exception& e) { return e.what() == std::string("not today"); });
  BOOST_TEST(queue.empty());
  simple_queue<std::string> small({.limit = {.bytes = 1000}});
  BOOST_CHECK_THROW(small.put(std::string(2000, 'x')), limit_exceeded);
  small.put("fits");
  BOOST_TEST(take(small) == "fits");
}

BOOST_AUTO_TEST_CASE(an_item_whose_handles_find_no_room_is_an_error_of_its_get_alone) {
  simple_queue<std::vector<unique_handle>> queue;
  std::vector<unique_handle> handles;
  for (int i = 0; i < 3; ++i) handles.push_back(duplicate(handle_view(queue.native_handle())));
  queue.put(handles);
  queue.put({});
  {
    const scoped_fd_limit none(1);
    BOOST_CHECK_THROW(take(queue), system_error);
  }
  BOOST_TEST(take(queue).empty());
}

BOOST_AUTO_TEST_CASE(without_descriptors_no_queue_is_made) {
  const scoped_fd_limit one(1);
  BOOST_CHECK_THROW(simple_queue<int>(), system_error);
}

// conformance: TestSimpleQueue.test_empty_exceptions
BOOST_AUTO_TEST_CASE(a_closed_queue_gives_what_is_in_it_and_then_its_end) {
  simple_queue<int> queue, same = another_copy_of(queue);
  queue.put(1);
  same.close();
  BOOST_CHECK_THROW(queue.put(2), queue_closed);
  BOOST_CHECK_THROW(queue.try_put(2), queue_closed);
  BOOST_CHECK_THROW(same.put_for(2, 1h), queue_closed);
  BOOST_TEST(!queue.empty());
  BOOST_TEST(queue.get() == 1);
  BOOST_CHECK_THROW(queue.empty(), end_of_stream);
  BOOST_CHECK_THROW(same.empty(), end_of_stream);
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
  BOOST_CHECK_THROW(queue.try_get(), end_of_stream);
  BOOST_CHECK_THROW(same.get_for(1h), end_of_stream);
}

// conformance: TestSimpleQueue.test_close
BOOST_AUTO_TEST_CASE(closing_twice_is_fine) {
  simple_queue<int> queue;
  BOOST_TEST(!queue.closed());
  queue.close();
  queue.close();
  BOOST_TEST(queue.closed());
}

// conformance: TestSimpleQueue.test_closed
BOOST_AUTO_TEST_CASE(both_ends_are_closed_and_in_every_process) {
  simple_queue<int> queue;
  BOOST_TEST(fork_child([&] {
               queue.close();
               return 0;
             }) == 0);
  BOOST_TEST(queue.closed());
  BOOST_CHECK_THROW(queue.put(1), queue_closed);
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
}

// conformance: TestSimpleQueue.test_empty
BOOST_AUTO_TEST_CASE(empty_is_right_here_and_in_the_child) {
  simple_queue<bool> child_may_start, parent_may_go_on, queue;
  BOOST_TEST(queue.empty());
  forked_child child([&] {
    take(child_may_start);
    queue.put(queue.empty());
    queue.put(queue.empty());
    parent_may_go_on.put(true);
    return 0;
  });
  BOOST_TEST(queue.empty());
  child_may_start.put(true);
  take(parent_may_go_on);
  BOOST_TEST(!queue.empty());
  BOOST_TEST(take(queue) == true);
  BOOST_TEST(take(queue) == false);
  BOOST_TEST(queue.empty());
  BOOST_TEST(child.wait() == 0);
}

BOOST_AUTO_TEST_CASE(an_item_or_room_that_is_not_there_is_waited_for_no_longer_than_asked) {
  simple_queue<int> queue;
  BOOST_CHECK(!queue.try_get());
  BOOST_CHECK(!queue.get_for(1ms));
  BOOST_CHECK(!queue.get_until(deadline::after(1ms)));
  const int room = fill(queue);
  BOOST_TEST(room > 100);
  BOOST_TEST(!queue.put_for(-1, 1ms));
  BOOST_TEST(!queue.put_until(-1, deadline::after(1ms)));
  for (int i = 0; i < room; ++i) BOOST_REQUIRE_EQUAL(queue.get(), i);
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(copies_are_the_same_queue) {
  simple_queue<std::string> queue, copy = queue;
  auto crossed = another_copy_of(queue);
  copy.put("by a copy");
  crossed.put("by one that crossed");
  BOOST_TEST(take(queue) == "by a copy");
  BOOST_TEST(take(copy) == "by one that crossed");
  BOOST_TEST(crossed.empty());
}

BOOST_DATA_TEST_CASE(children_get_a_queue_as_an_argument, boost::unit_test::data::make({0, 1, 2}), index) {
  process_options options;
  options.context = default_context();
  options.context->method = all_start_methods()[static_cast<std::size_t>(index)];
  simple_queue<int> questions, answers;
  process child(options, fn<&answer_twice_the_number>, questions, answers);
  for (const int each : {1, 2, 3}) questions.put(each);
  questions.close();
  std::vector<int> got;
  for (const int each : answers) got.push_back(each);
  BOOST_TEST(got == std::vector<int>({2, 4, 6}), boost::test_tools::per_element());
  child.join();
  stop_forkserver();
}

BOOST_AUTO_TEST_CASE(large_items_reach_whoever_takes_them) {
  constexpr int count = 200;
  const auto item = [](int number) {
    return std::vector<int>(100'000U + static_cast<unsigned>(number), number);
  };
  simple_queue<std::vector<int>> queue;
  simple_queue<int> sums;
  std::list<forked_child> takers;
  for (int i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      int sum = 0;
      for (const auto& each : queue) {
        if (each != item(each.front())) return 1;
        sum += each.front();
      }
      sums.put(sum);
      return 0;
    });
  }
  for (int i = 0; i < count; ++i) BOOST_REQUIRE(queue.put_for(item(i), patience));
  queue.close();
  int sum = 0;
  for (auto& each : takers) {
    BOOST_TEST(each.wait() == 0);
    sum += take(sums);
  }
  BOOST_TEST(sum == count * (count - 1) / 2);
}

BOOST_AUTO_TEST_CASE(live_objects_travel_in_items) {
  struct picture {
    std::string title;
    shared_memory pixels;
  };
  simple_queue<picture> queue;
  const shared_memory pixels(4096);
  queue.put({"dawn", pixels});
  const picture got = take(queue);
  BOOST_TEST(got.title == "dawn");
  pixels.span()[17] = std::byte{1};
  BOOST_CHECK(got.pixels.span()[17] == std::byte{1});
}

BOOST_AUTO_TEST_CASE(several_producers_and_consumers_share_it_and_keep_each_producers_order) {
  struct numbered {
    int producer, number;
  };
  constexpr int producers = 3, consumers = 3, each_puts = 2000;
  simple_queue<numbered> queue;
  simple_queue<int> counts;
  std::list<forked_child> putting, taking;
  for (int i = 0; i < consumers; ++i) {
    taking.emplace_back([&] {
      std::vector<int> last(producers, -1);
      int count = 0;
      for (const auto& [producer, number] : queue) {
        if (number <= std::exchange(last.at(static_cast<std::size_t>(producer)), number)) return 1;
        ++count;
      }
      counts.put(count);
      return 0;
    });
  }
  for (int i = 0; i < producers; ++i) {
    putting.emplace_back([&, i] {
      for (int number = 0; number < each_puts; ++number) queue.put({i, number});
      return 0;
    });
  }
  for (auto& each : putting) BOOST_TEST(each.wait() == 0);
  queue.close();
  int count = 0;
  for (auto& each : taking) {
    BOOST_TEST(each.wait() == 0);
    count += take(counts);
  }
  BOOST_TEST(count == producers * each_puts);
}

BOOST_AUTO_TEST_CASE(closing_wakes_those_who_wait_for_items_and_for_room) {
  simple_queue<int> empty, full;
  fill(full);
  std::atomic<int> told{0};
  std::thread waiting[] = {waiting_to_be_told<end_of_stream>(told, [&] { empty.get(); }),
                           waiting_to_be_told<end_of_stream>(told, [&] { empty.get_for(patience); }),
                           waiting_to_be_told<queue_closed>(told, [&] { full.put(1); }),
                           waiting_to_be_told<queue_closed>(told, [&] { full.put_for(1, patience); })};
  // Most of these times all of them are asleep by now, and right it must be anyway.
  std::this_thread::sleep_for(20ms);
  BOOST_TEST(fork_child([&] {
               empty.close();
               full.close();
               return 0;
             }) == 0);
  for (std::thread& each : waiting) each.join();
  BOOST_TEST(told == 4);
}

BOOST_AUTO_TEST_CASE(a_wait_may_last_longer_than_a_heartbeat) {
  simple_queue<int> queue;
  forked_child taker([&] { return queue.get(); });
  std::this_thread::sleep_for(os::heartbeat + 20ms);
  queue.put(3);
  BOOST_TEST(taker.wait() == 3);
}

BOOST_AUTO_TEST_CASE(a_simple_queue_can_be_waited_for_among_others) {
  simple_queue<int> first, second;
  BOOST_TEST(wait({first, second}, 1ms).empty());
  second.put(1);
  BOOST_TEST(wait({first, second}, patience).contains(second));
  BOOST_TEST(!wait({first, second}, patience).contains(first));
  take(second);
  BOOST_TEST(wait({first, second}, 1ms).empty());
  first.close();
  BOOST_TEST(wait({first, second}, patience).contains(first));
}

BOOST_AUTO_TEST_SUITE_END()
