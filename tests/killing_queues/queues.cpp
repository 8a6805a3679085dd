// SPDX-License-Identifier: BSL-1.0
// A producer or consumer of a queue is killed at any instruction.
#include "killing_queues/queues.hpp"

#include <ferry/connection.hpp>
#include <ferry/wait.hpp>

#include <memory>
#include <utility>

using namespace ferry;
using namespace ferry::test;

namespace {

/// The survivors get the whole item or nothing, and then whatever others put.
void kill_while_putting(std::size_t size, std::size_t before, const queue_options& options = {},
                        std::size_t handles = 0) {
  report(kill_everywhere([=] {
    const auto queue = used_queue(options);
    for (std::uint32_t number = 1; number <= before; ++number) queue->put(parcel(number, size, handles));
    const auto what = std::make_shared<parcel>(before + 1, size, handles);
    return deed{[=] { queue->put(*what); },
                [=] {
                  const std::size_t there = queue->size();
                  BOOST_TEST((there == before || there == before + 1));
                  for (std::uint32_t number = 1; number <= there; ++number)
                    check_parcel(take(*queue), number);
                  for (std::uint32_t number = 100; number < 103; ++number) {
                    BOOST_REQUIRE(queue->put_for(parcel(number, size, handles), patience));
                    check_parcel(take(*queue), number);
                  }
                  check_closes(*queue);
                }};
  }));
}

/// The survivors get all items but at most the first, in order.
void kill_while_taking(std::size_t size, std::uint32_t before = 0, const queue_options& options = {},
                       std::size_t handles = 0) {
  report(kill_everywhere([=] {
    const auto queue = used_queue(options);
    for (std::uint32_t number = 0; number < before; ++number) queue->put(parcel(number, size, handles));
    for (std::uint32_t number = 1; number <= 3; ++number) queue->put(parcel(number, size, handles));
    for (std::uint32_t number = 0; number < before; ++number) check_parcel(take(*queue), number);
    return deed{[=] { queue->get(); },
                [=] {
                  const std::size_t there = queue->size();
                  BOOST_TEST((there == 2 || there == 3));
                  for (std::uint32_t number = 4 - static_cast<std::uint32_t>(there); number <= 3; ++number) {
                    const parcel got = take(*queue);
                    check_parcel(got, number);
                    BOOST_TEST(got.handles.size() == handles);
                  }
                  for (std::uint32_t number = 4; number < 8; ++number) {
                    BOOST_REQUIRE(queue->put_for(parcel(number, size, handles), patience));
                    check_parcel(take(*queue), number);
                  }
                  check_closes(*queue);
                }};
  }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queues_killed_at_any_instruction)

BOOST_AUTO_TEST_CASE(a_producer_leaves_all_of_its_item_or_nothing) {
  kill_while_putting(small, 0);
}
BOOST_AUTO_TEST_CASE(a_producer_of_an_item_for_which_the_queue_grows_leaves_all_of_it_or_nothing) {
  kill_while_putting(large, 0);
}
BOOST_AUTO_TEST_CASE(a_producer_that_leaves_a_ring_behind_leaves_all_of_its_item_or_nothing) {
  kill_while_putting(std::size_t{30} << 10U, 2);
}
BOOST_AUTO_TEST_CASE(a_producer_of_a_bounded_queue_takes_no_room_along) {
  kill_while_putting(small, 0, {.max_items = 1});
  kill_while_putting(small, 0, {.max_bytes = 1000});
}

// known failure 2: a killed reader keeps the lock of a queue for ever
BOOST_AUTO_TEST_CASE(a_consumer_takes_at_most_its_item_along) {
  kill_while_taking(small);
  kill_while_taking(small, 0, {.max_items = 3});
}
BOOST_AUTO_TEST_CASE(a_consumer_takes_no_room_along) {
  for (const queue_options& options : {queue_options{.max_items = 1}, queue_options{.max_bytes = 200}}) {
    report(kill_everywhere([=] {
      const auto queue = used_queue(options);
      queue->put(parcel(1, small, 0));
      return deed{[=] { queue->get(); },
                  [=] {
                    if (!queue->empty()) check_parcel(take(*queue), 1);
                    BOOST_TEST(!queue->full());
                    BOOST_REQUIRE(queue->try_put(parcel(2, small, 0)));
                    check_parcel(take(*queue), 2);
                    check_closes(*queue);
                  }};
    }));
  }
}
BOOST_AUTO_TEST_CASE(a_consumer_that_follows_the_queue_to_a_larger_ring_takes_at_most_its_item_along) {
  kill_while_taking(std::size_t{40} << 10U, 1);
}

BOOST_AUTO_TEST_CASE(a_producer_of_handles_leaves_all_of_the_item_or_nothing) {
  kill_while_putting(small, 0, {}, 2);
}
BOOST_AUTO_TEST_CASE(a_consumer_of_handles_takes_at_most_their_item_along) {
  kill_while_taking(small, 0, {}, 2);
}

// Whoever waits for the other end of a pipe to be closed must not wait for the queue.
BOOST_AUTO_TEST_CASE(handles_that_a_killed_producer_left_are_closed_by_who_waits_for_items) {
  report(kill_everywhere([] {
    const auto queue = std::make_shared<ferry::queue<connection>>();
    const auto ends = std::make_shared<std::pair<connection, connection>>(pipe());
    return deed{[=] { queue->put(std::move(ends->second)); },
                [=] {
                  ends->second.close();
                  if (auto got = queue->try_get()) {
                    BOOST_TEST(!ends->first.poll());
                    got.reset();
                  } else {
                    // Who does not come to wait, being slow, does not tidy either.
                    wait_until([&] {
                      BOOST_CHECK(!queue->get_for(std::chrono::milliseconds(1)));
                      return ends->first.poll();
                    });
                  }
                  BOOST_CHECK(ends->first.poll());
                  BOOST_CHECK_THROW(ends->first.recv<int>(), end_of_stream);
                }};
  }));
}

// More than the system has room for, and nobody is waiting for items, who would clear them away.
BOOST_AUTO_TEST_CASE(handles_that_killed_producers_left_keep_no_others_out) {
  const auto queue = used_queue();
  const parcel what(1, small, 1);
  const auto put = [&] { queue->put(what); };
  // Of the system, until the item is there; the last one sends the handle.
  const auto count_calls = [&] {
    std::size_t calls = 0;
    {
      stepped_child producer(put);
      while (producer.run_to_system_call() && queue->empty()) ++calls;
    }
    check_parcel(take(*queue), 1);
    return calls;
  };
  const auto kill_after = [&](std::size_t calls) {
    stepped_child producer(put);
    for (std::size_t i = 0; i < calls; ++i) producer.run_to_system_call();
  };
  const std::size_t calls = count_calls();
  kill_after(calls);
  const std::size_t calls_after_a_death = count_calls();
  kill_after(calls);
  for (int kills = 0; kills < 400; ++kills) kill_after(calls_after_a_death);
  BOOST_REQUIRE(queue->empty());
  BOOST_REQUIRE(queue->try_put(what));
  check_parcel(take(*queue), 1);
  check_closes(*queue);
}

BOOST_AUTO_TEST_CASE(the_handle_of_a_queue_misses_nothing) {
  const auto watched = [] {
    auto queue = used_queue();
    queue->native_handle();
    return queue;
  };
  const auto check = [](parcels& queue) {
    for (std::size_t left = queue.size(); left != 0; --left) {
      BOOST_TEST(wait({queue}, patience).size() == 1U);
      take(queue);
    }
    BOOST_TEST(wait({queue}, deadline::clock::duration::zero()).empty());
    queue.put(parcel(9, small, 0));
    BOOST_TEST(wait({queue}, patience).size() == 1U);
    check_parcel(take(queue), 9);
    queue.close();
    BOOST_TEST(wait({queue}, patience).size() == 1U);
  };
  report(kill_everywhere([&] {
    const auto queue = watched();
    return deed{[=] { queue->put(parcel(1, small, 0)); }, [=] { check(*queue); }};
  }));
  report(kill_everywhere([&] {
    const auto queue = watched();
    queue->put(parcel(1, small, 0));
    return deed{[=] { queue->get(); }, [=] { check(*queue); }};
  }));
  report(kill_everywhere([&] {
    const auto queue = used_queue();
    queue->put(parcel(1, small, 0));
    return deed{[=] { queue->native_handle(); }, [=] { check(*queue); }};
  }));
}

BOOST_AUTO_TEST_CASE(a_consumer_that_waits_takes_nothing_along) {
  report(kill_everywhere([] {
    const auto queue = used_queue();
    return deed{[=] { queue->get_for(std::chrono::milliseconds(1)); },
                [=] {
                  queue->put(parcel(1, small, 0));
                  check_parcel(take(*queue), 1);
                  check_closes(*queue);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_producer_that_waits_for_room_leaves_nothing) {
  report(kill_everywhere([] {
    const auto queue = used_queue({.max_items = 1});
    queue->put(parcel(1, small, 0));
    const auto what = std::make_shared<parcel>(2, small, 0);
    return deed{[=] { queue->put_for(*what, std::chrono::milliseconds(1)); },
                [=] {
                  BOOST_TEST(queue->full());
                  check_parcel(take(*queue), 1);
                  BOOST_REQUIRE(queue->put_for(parcel(3, small, 0), patience));
                  check_parcel(take(*queue), 3);
                  check_closes(*queue);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_process_that_closes_has_closed_for_all_or_for_none) {
  for (const closing rest : {closing::drain, closing::discard}) {
    report(kill_everywhere([=] {
      const auto queue = used_queue();
      queue->put(parcel(1, small, 0));
      return deed{[=] { queue->close(rest); },
                  [=] {
                    if (queue->closed()) {
                      BOOST_CHECK_THROW(queue->put(parcel(2, small, 0)), queue_closed);
                      if (rest == closing::drain) check_parcel(take(*queue), 1);
                    } else {
                      queue->put(parcel(2, small, 0));
                      for (const std::uint32_t number : {1U, 2U}) check_parcel(take(*queue), number);
                      queue->close(rest);
                    }
                    BOOST_TEST(queue->empty());
                    BOOST_CHECK_THROW(queue->get(), end_of_stream);
                  }};
    }));
  }
}

BOOST_AUTO_TEST_SUITE_END()
