// SPDX-License-Identifier: BSL-1.0
// Live objects in items, and the handle of a queue itself.
#include <ferry/connection.hpp>
#include <ferry/file.hpp>
#include <ferry/process.hpp>
#include <ferry/queue.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/wait.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "queue/support.hpp"
#include "support/child.hpp"
#include "support/faults.hpp"
#include "support/leaks.hpp"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <list>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

using handles = std::vector<unique_handle>;

handles copies_of(handle_view handle, std::size_t count) {
  handles made;
  while (made.size() < count) made.push_back(duplicate(handle));
  return made;
}

bool is_readable(const queue<int>& it) {
  return os::wait_readable(handle_view(it.native_handle()), deadline::immediately());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queues_with_handles)

BOOST_AUTO_TEST_CASE(an_item_whose_handles_find_no_room_is_an_error_of_its_get_and_stays) {
  queue<handles> queue;
  queue.put(copies_of(handle_view(queue.native_handle()), 3));
  queue.put({});
  {
    const scoped_fd_limit one(1);
    BOOST_CHECK_THROW(queue.get(), system_error);
    BOOST_CHECK_THROW(queue.try_get(), system_error);
  }
  BOOST_TEST(queue.size() == 2U);
  BOOST_TEST(take(queue).size() == 3U);
  BOOST_TEST(take(queue).size() == 0U);
}

BOOST_AUTO_TEST_CASE(empty_packets_among_the_handles_of_a_queue_cost_no_item) {
  queue<handles> queue;
  const auto parts = reducer<ferry::queue<handles>>::reduce(queue);
  const auto put_beside = [&] {
    BOOST_REQUIRE(::send(std::get<3>(parts).native(), "", 0, MSG_DONTWAIT) == 0);
  };
  put_beside();
  queue.put(copies_of(handle_view(queue.native_handle()), 1));
  put_beside();
  put_beside();
  queue.put(copies_of(handle_view(queue.native_handle()), 2));
  put_beside();
  BOOST_TEST(take(queue).size() == 1U);
  BOOST_TEST(take(queue).size() == 2U);
  BOOST_TEST(!queue.try_get().has_value());
}

BOOST_AUTO_TEST_CASE(a_queue_takes_no_more_handles_than_the_system_and_then_waits) {
  queue<handles> queue;
  const handles one = copies_of(handle_view(queue.native_handle()), 1);
  std::size_t count = 0;
  while (queue.try_put(one)) ++count;
  BOOST_TEST(count > 100U);
  BOOST_TEST(queue.size() == count);
  BOOST_TEST(!queue.put_for(one, 1ms));
  forked_child putting([&] {
    queue.put(one);
    return 0;
  });
  for (std::size_t i = 0; i < count + 1; ++i) BOOST_REQUIRE_EQUAL(take(queue).size(), 1U);
  BOOST_TEST(putting.wait() == 0);
  BOOST_TEST(queue.try_put(one));
}

BOOST_AUTO_TEST_CASE(more_handles_than_one_packet_takes_arrive_all) {
  queue<handles> queue({.limit = {.handles = 1000}});
  const handles many = copies_of(handle_view(queue.native_handle()), 400);
  queue.put(many);
  queue.put({});
  BOOST_TEST(take(queue).size() == many.size());
  BOOST_TEST(take(queue).size() == 0U);
}

BOOST_AUTO_TEST_CASE(live_objects_travel_in_items) {
  struct picture {
    std::string title;
    shared_memory pixels;
    connection answer;
  };
  queue<picture> queue;
  auto ends = pipe();
  forked_child painter([&] {
    ends.first.close();
    picture got = take(queue);
    got.pixels.span()[17] = std::byte{1};
    got.answer.send(got.title + " is painted");
    return 0;
  });
  const shared_memory pixels(4096);
  queue.put({"dawn", pixels, std::move(ends.second)});
  BOOST_TEST(ends.first.recv_for<std::string>(patience).value() == "dawn is painted");
  BOOST_CHECK(pixels.span()[17] == std::byte{1});
  BOOST_TEST(painter.wait() == 0);
}

BOOST_AUTO_TEST_CASE(queues_travel_in_queues_where_that_is_said) {
  queue<int> item;
  queue<queue<int>> strict;
  BOOST_CHECK_THROW(strict.put(item), spawning_error);
  BOOST_TEST(strict.empty());
  queue<queue<int>> lenient({.mode = transfer::duplicate});
  auto crossed = loads<queue<queue<int>>>(dumps(lenient, any_time), any_time);
  crossed.put(item);
  take(crossed).put(7);
  BOOST_TEST(take(item) == 7);
}

BOOST_AUTO_TEST_CASE(a_discarded_queue_closes_the_handles_in_it) {
  auto [here, there] = pipe();
  queue<connection> queue;
  queue.put(std::move(there));
  there.close();
  BOOST_TEST(!os::hung_up(handle_view(here.native_handle())));
  queue.close(closing::discard);
  BOOST_TEST(os::hung_up(handle_view(here.native_handle())));
}

BOOST_AUTO_TEST_CASE(items_with_and_without_handles_keep_their_order_and_their_handles) {
  struct numbered {
    int producer, number;
    handles held;
  };
  queue<numbered> queue({.max_items = 50});
  std::list<forked_child> putting;
  for (int producer = 0; producer < 2; ++producer) {
    putting.emplace_back([&, producer] {
      for (int number = 0; number < 1000; ++number)
        queue.put({producer, number,
                   copies_of(handle_view(queue.native_handle()), static_cast<std::size_t>(number) % 3)});
      return 0;
    });
  }
  int next[] = {0, 0};
  for (int i = 0; i < 2000; ++i) {
    const numbered got = take(queue);
    BOOST_REQUIRE_EQUAL(got.number, next[got.producer]++);
    BOOST_REQUIRE_EQUAL(got.held.size(), static_cast<std::size_t>(got.number) % 3);
  }
  for (auto& each : putting) BOOST_TEST(each.wait() == 0);
}

// --- the handle of the queue -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_handle_is_readable_exactly_while_there_is_something_to_take) {
  queue<int> queue;
  queue.put(1);
  BOOST_TEST(is_readable(queue));
  queue.get();
  BOOST_TEST(!is_readable(queue));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) queue.put(i);
    for (int i = 0; i < 3; ++i) {
      BOOST_TEST(is_readable(queue));
      queue.get();
    }
    BOOST_TEST(!is_readable(queue));
  }
  queue.close();
  BOOST_TEST(is_readable(queue));
  BOOST_CHECK_THROW(queue.try_get(), end_of_stream);
  BOOST_TEST(is_readable(queue));
}

BOOST_AUTO_TEST_CASE(a_queue_can_be_waited_for_among_others) {
  queue<int> first, second;
  BOOST_TEST(wait({first, second}, 1ms).empty());
  second.put(1);
  BOOST_TEST(wait({first, second}, patience).contains(second));
  BOOST_TEST(!wait({first, second}, patience).contains(first));
  take(second);
  BOOST_TEST(wait({first, second}, 1ms).empty());
  forked_child putting([&] {
    first.put(2);
    return 0;
  });
  BOOST_TEST(wait({first, second}, patience).contains(first));
  BOOST_TEST(putting.wait() == 0);
  second.close();
  BOOST_TEST(wait({first, second}, patience).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_handle_that_is_readable_in_vain_deceives_nobody_who_waits) {
  queue<int> queue;
  const int handle = queue.native_handle();
  const std::uint64_t one = 1;
  BOOST_REQUIRE(::write(handle, &one, sizeof one) == sizeof one);
  BOOST_TEST(is_readable(queue));
  BOOST_TEST(wait({queue}, 1ms).empty());
  BOOST_TEST(!is_readable(queue));
  BOOST_REQUIRE(::write(handle, &one, sizeof one) == sizeof one);
  BOOST_CHECK(!queue.try_get());
  BOOST_TEST(!is_readable(queue));
  queue.put(1);
  BOOST_TEST(wait({queue}, patience).size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_item_is_overslept_by_one_who_waits_for_the_handle) {
  queue<int> queue;
  forked_child putting([&] {
    for (int i = 0; i < 20'000; ++i) queue.put(i);
    queue.close();
    return 0;
  });
  int count = 0;
  try {
    for (;; ++count) {
      BOOST_REQUIRE(!wait({queue}, patience).empty());
      BOOST_REQUIRE_EQUAL(queue.try_get().value(), count);
    }
  } catch (const end_of_stream&) {
  }
  BOOST_TEST(count == 20'000);
  BOOST_TEST(putting.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
