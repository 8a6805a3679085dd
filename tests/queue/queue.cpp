// SPDX-License-Identifier: BSL-1.0
// The queue in shared memory: what it promises to those who put and take.
#include <ferry/process.hpp>
#include <ferry/queue.hpp>

#include "os/park.hpp"
#include "queue/support.hpp"
#include "support/child.hpp"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Puts and takes another item while it is written and read.
std::optional<queue<std::string>> other_queue;
struct chatty {
  std::string text;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) other_queue->put(", said " + text);
    archive& text;
    if constexpr (Archive::is_loading::value) text += other_queue->get();
  }
};

template <class F>
void run_in_child(int method, F function, auto... arguments) {
  process_options options;
  options.context = default_context();
  options.context->method = all_start_methods()[static_cast<std::size_t>(method)];
  process child(options, function, arguments...);
  child.join();
  BOOST_TEST(child.exit_code().value_or(-1) == 0);
  stop_forkserver();
}

void put_in_all_forms(queue<int> into) {
  into.put(1);
  into.put_for(2, patience);
  into.put_until(3, deadline::after(patience));
  into.try_put(4);
}

void hand_on(queue<int> from, queue<int> into) {
  for (const int each : from) into.put(2 * each);
  into.close();
}

void hand_on_by_a_grandchild(queue<int> from, queue<int> into) {
  process grandchild(fn<&hand_on>, from, into);
  grandchild.join();
}

const auto methods = boost::unit_test::data::make({0, 1, 2});

}  // namespace

BOOST_AUTO_TEST_SUITE(queues)

// --- how many, and in which order ------------------------------------------------------------------------

// conformance: _TestQueue.test_put
BOOST_AUTO_TEST_CASE(a_bounded_queue_takes_so_many_and_then_no_form_of_put_puts) {
  queue<int> queue({.max_items = 6});
  BOOST_TEST(queue.empty());
  queue.put(1);
  queue.put_for(2, patience);
  queue.put_until(3, deadline::never());
  BOOST_TEST(queue.try_put(4));
  queue.put_for(5, -1s);
  queue.put_until(6, deadline::immediately());
  BOOST_TEST(!queue.empty());
  BOOST_TEST(queue.full());
  BOOST_TEST(!queue.try_put(7));
  BOOST_TEST(!queue.put_for(7, 1ms));
  BOOST_TEST(!queue.put_for(7, 0ms));
  BOOST_TEST(!queue.put_for(7, -1s));
  BOOST_TEST(!queue.put_until(7, deadline::after(1ms)));
  BOOST_TEST(fork_child([&] {
               for (int i = 1; i <= 6; ++i)
                 if (take(queue) != i) return 1;
               return 0;
             }) == 0);
  BOOST_TEST(queue.empty());
  BOOST_TEST(!queue.full());
}

// conformance: _TestQueue.test_get
BOOST_DATA_TEST_CASE(items_of_a_child_arrive_in_order_in_every_form_of_get, methods, method) {
  queue<int> queue;
  run_in_child(method, fn<&put_in_all_forms>, queue);
  BOOST_TEST(!queue.empty());
  BOOST_TEST(queue.get() == 1);
  BOOST_TEST(queue.get_for(patience).value() == 2);
  BOOST_TEST(queue.get_until(deadline::never()).value() == 3);
  BOOST_TEST(queue.try_get().value() == 4);
  BOOST_TEST(queue.empty());
  BOOST_CHECK(!queue.try_get());
  BOOST_CHECK(!queue.get_for(0ms));
  BOOST_CHECK(!queue.get_for(-1s));
  BOOST_CHECK(!queue.get_for(1ms));
  BOOST_CHECK(!queue.get_until(deadline::after(1ms)));
}

// conformance: _TestQueue.test_fork
BOOST_AUTO_TEST_CASE(a_forked_child_goes_on_where_its_parent_was) {
  queue<int> queue;
  for (int i = 0; i < 10; ++i) queue.put(i);
  BOOST_TEST(fork_child([&] {
               for (int i = 10; i < 20; ++i) queue.put(i);
               return 0;
             }) == 0);
  for (int i = 0; i < 20; ++i) BOOST_TEST(take(queue) == i);
  BOOST_TEST(queue.empty());
}

// conformance: _TestQueue.test_qsize
// known failure 25: the size is not known everywhere, and is only a hint
BOOST_AUTO_TEST_CASE(the_size_is_exact) {
  queue<int> queue;
  BOOST_TEST(queue.size() == 0U);
  queue.put(1);
  BOOST_TEST(queue.size() == 1U);
  queue.put(5);
  BOOST_TEST(queue.size() == 2U);
  queue.get();
  BOOST_TEST(queue.size() == 1U);
  queue.get();
  BOOST_TEST(queue.size() == 0U);
}

BOOST_AUTO_TEST_CASE(the_size_never_passes_the_bound_however_many_put_and_take) {
  queue<int> queue({.max_items = 3});
  forked_child putting([&] {
    for (int i = 0; i < 20'000; ++i) queue.put(i);
    queue.close();
    return 0;
  });
  std::size_t most = 0;
  std::thread watching([&] {
    while (!queue.closed()) most = std::max(most, queue.size());
  });
  int expected = 0;
  for (const int each : queue) BOOST_REQUIRE_EQUAL(each, expected++);
  BOOST_TEST(expected == 20'000);
  watching.join();
  BOOST_TEST(most <= 3U);
  BOOST_TEST(putting.wait() == 0);
}

// conformance: _TestQueue.test_timeout
// known failure 26: no get with a time
BOOST_AUTO_TEST_CASE(an_item_that_is_not_there_is_waited_for_as_long_as_asked) {
  queue<int> queue;
  const auto start = deadline::clock::now();
  BOOST_CHECK(!queue.get_for(200ms));
  BOOST_CHECK(deadline::clock::now() - start >= 200ms);
}

BOOST_AUTO_TEST_CASE(a_bound_of_bytes_is_kept) {
  queue<std::string> queue({.max_bytes = 100'000});
  int count = 0;
  while (queue.try_put(std::string(1000, 'x'))) ++count;
  BOOST_TEST(count == 100'000 / (32 + 1008));
  BOOST_TEST(!queue.put_for(std::string(1000, 'x'), 1ms));
  take(queue);
  BOOST_TEST(queue.try_put(std::string(1000, 'x')));
  BOOST_TEST(queue.size() == static_cast<std::size_t>(count));
}

BOOST_AUTO_TEST_CASE(without_bounds_put_never_waits) {
  queue<std::vector<int>> queue;
  std::size_t bytes = 0;
  for (int i = 0; i < 3000; ++i) {
    queue.put(std::vector<int>(static_cast<std::size_t>(i), i));
    bytes += static_cast<std::size_t>(i) * sizeof(int);
  }
  BOOST_TEST(bytes > std::size_t{16} << 20U);
  BOOST_TEST(queue.size() == 3000U);
  for (int i = 0; i < 3000; ++i)
    BOOST_REQUIRE(take(queue) == std::vector<int>(static_cast<std::size_t>(i), i));
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(items_of_all_sizes_go_round_the_ring_whole) {
  queue<std::string> queue;
  const auto item = [](unsigned number) {
    return std::string(number * 7919U % 5000U, static_cast<char>('a' + number % 26));
  };
  unsigned put = 0, got = 0;
  while (got < 20'000) {
    for (unsigned ahead = put * 31U % 12U; put - got < ahead;) queue.put(item(put++));
    if (put == got) queue.put(item(put++));
    BOOST_REQUIRE(queue.get() == item(got++));
  }
}

// known failure 4: joining a child before its queue is drained hangs
BOOST_AUTO_TEST_CASE(a_child_that_has_put_much_ends_before_anybody_takes_it) {
  queue<std::string> queue;
  BOOST_TEST(fork_child([&] {
               for (int i = 0; i < 100; ++i) queue.put(std::string(100'000, static_cast<char>(i)));
               return 0;
             }) == 0);
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(take(queue) == std::string(100'000, static_cast<char>(i)));
}

BOOST_AUTO_TEST_CASE(copies_are_the_same_queue) {
  queue<std::string> queue, copy = queue;
  auto crossed = another_copy_of(queue);
  copy.put("by a copy");
  crossed.put("by one that crossed");
  BOOST_TEST(take(queue) == "by a copy");
  BOOST_TEST(take(copy) == "by one that crossed");
  BOOST_TEST(crossed.empty());
}

// conformance: TestStartMethod.test_nested_startmethod, TestStdinBadfiledescriptor.test_queue_in_process
BOOST_DATA_TEST_CASE(children_and_their_children_get_a_queue_as_an_argument, methods, method) {
  queue<int> questions, answers;
  for (const int each : {1, 2, 3}) questions.put(each);
  questions.close();
  run_in_child(method, fn<&hand_on_by_a_grandchild>, questions, answers);
  std::vector<int> got;
  std::ranges::copy(answers, std::back_inserter(got));
  BOOST_TEST(got == std::vector<int>({2, 4, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_producers_and_consumers_share_it_and_keep_each_producers_order) {
  struct numbered {
    int producer, number;
  };
  constexpr int producers = 3, consumers = 3;
  for (const queue_options& options : {queue_options{}, queue_options{.max_items = 10}}) {
    const int each_puts = options.max_items == 0 ? 20'000 : 2'000;
    queue<numbered> queue(options);
    ferry::queue<int> counts;
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
}

BOOST_AUTO_TEST_CASE(closing_wakes_those_who_wait_for_items_and_for_room) {
  queue<int> empty, full({.max_items = 1});
  full.put(0);
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
  queue<int> queue({.max_items = 1});
  forked_child taker([&] { return queue.get(); });
  std::this_thread::sleep_for(os::heartbeat + 20ms);
  queue.put(3);
  BOOST_TEST(taker.wait() == 3);
  queue.put(4);
  forked_child putter([&] {
    queue.put(5);
    return 0;
  });
  std::this_thread::sleep_for(os::heartbeat + 20ms);
  BOOST_TEST(take(queue) == 4);
  BOOST_TEST(take(queue) == 5);
  BOOST_TEST(putter.wait() == 0);
}

BOOST_AUTO_TEST_CASE(an_item_may_put_and_take_others_while_it_is_written_and_read) {
  other_queue.emplace();
  queue<chatty> queue;
  for (const char* const text : {"a", "b"}) queue.put({text});
  BOOST_TEST(other_queue->size() == 2U);
  for (const char* const text : {"a, said a", "b, said b"}) BOOST_TEST(take(queue).text == text);
  other_queue.reset();
}

BOOST_AUTO_TEST_SUITE_END()
