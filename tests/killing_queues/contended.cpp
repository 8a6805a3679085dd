// SPDX-License-Identifier: BSL-1.0
// A producer or consumer is killed at any instruction while others wait for what it does, or do the same.
#include "killing_queues/queues.hpp"

#include <chrono>
#include <map>
#include <optional>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

constexpr auto budget = 1500ms;

/// A thread that waits for one item.
class sleeping_consumer {
 public:
  explicit sleeping_consumer(std::shared_ptr<parcels> from)
      : sleeper_([this, from = std::move(from)] {
          try {
            got_ = take(*from);
          } catch (const end_of_stream&) {
          }
        }) {}
  /// @returns nothing when the queue ended
  std::optional<parcel> wake_up() {
    sleeper_.wake_up();
    return std::move(got_);
  }

 private:
  std::optional<parcel> got_;
  sleeper sleeper_;
};

/// A thread that waits for room for one item.
class sleeping_producer {
 public:
  sleeping_producer(std::shared_ptr<parcels> into, std::uint32_t number, std::size_t handles = 0)
      : sleeper_([this, number, handles, into = std::move(into)] {
          try {
            put_ = into->put_for(parcel(number, small, handles), patience);
          } catch (const queue_closed&) {
          }
        }) {}
  /// @returns whether it was put
  bool wake_up() {
    sleeper_.wake_up();
    return put_;
  }

 private:
  bool put_ = false;
  sleeper sleeper_;
};

/// Takes item 1, if `got` is that one, and then item 2, and nothing else.
void check_rest(parcel got, parcels& queue) {
  if (got.number == 1) {
    check_parcel(got, 1);
    got = take(queue);
  }
  check_parcel(got, 2);
  check_closes(queue);
}

void kill_while_putting_for_a_sleeper(std::size_t size, std::size_t handles = 0) {
  report(kill_everywhere(
      [=] {
        const auto queue = used_queue();
        const auto consumer = std::make_shared<sleeping_consumer>(queue);
        const auto what = std::make_shared<parcel>(1, size, handles);
        return deed{[=] { queue->put(*what); },
                    [=] {
                      queue->put(parcel(2, size, handles));
                      check_rest(consumer->wake_up().value(), *queue);
                    }};
      },
      budget));
}

void kill_while_taking_from_a_sleeper(const queue_options& options, std::size_t handles = 0) {
  report(kill_everywhere(
      [=] {
        const auto queue = used_queue(options);
        queue->put(parcel(1, small, handles));
        const auto producer = std::make_shared<sleeping_producer>(queue, 2, handles);
        return deed{[=] { queue->get(); },
                    [=] {
                      check_rest(take(*queue), *queue);
                      BOOST_TEST(producer->wake_up());
                    }};
      },
      budget));
}

/// A producer and a consumer that go on all the time beside the one that is killed.
class traffic {
 public:
  static constexpr std::uint32_t steady = 1, killed = 2;  // who wrote an item

  explicit traffic(const queue_options& options, std::size_t handles = 0)
      : queue_(options),
        consumer_(std::in_place,
                  [queue = queue_, seen = seen_, next = std::map<std::uint32_t, std::uint32_t>()]() mutable {
                    const auto got = queue.get_for(1ms);
                    if (!got) return;
                    seen->wrong += !got->is_whole() || got->number < next[got->writer];
                    next[got->writer] = got->number + 1;
                    ++(got->writer == steady ? seen->steady : seen->killed);
                  }),
        producer_(std::in_place, [handles, queue = queue_, put = put_]() mutable {
          if (queue.put_for(parcel(*put, small, handles, steady), 1ms)) ++*put;
        }) {}

  parcels queue() const { return queue_; }
  std::uint32_t put() const { return *put_; }
  std::uint32_t seen() const { return seen_->steady; }
  std::uint32_t seen_of_killed() const { return seen_->killed; }
  void check_goes_on() const {
    wait_until([&, before = put()] { return put() > before + 1; });
    wait_until([&, before = seen()] { return seen() > before + 1; });
  }
  /// All that is left has been taken then.
  void end() {
    producer_.reset();
    wait_until([&] { return queue_.empty(); });
    consumer_.reset();
    BOOST_TEST(seen_->wrong == 0U);
  }

 private:
  struct counts {
    std::atomic<std::uint32_t> steady, killed, wrong;
  };
  parcels queue_;
  shared_value<counts> seen_;
  shared_value<std::atomic<std::uint32_t>> put_{0U};
  std::optional<other_process> consumer_, producer_;
};

struct setting {
  queue_options options;
  std::size_t handles = 0;
};
const setting settings[] = {
    {{.max_items = 1}}, {{.max_items = 8}}, {{.max_bytes = 300}}, {{.max_items = 8}, 2}};

}  // namespace

BOOST_AUTO_TEST_SUITE(queues_in_use_by_others_who_is_killed)

BOOST_AUTO_TEST_CASE(a_producer_holds_up_no_consumer_that_sleeps) {
  kill_while_putting_for_a_sleeper(small);
}
BOOST_AUTO_TEST_CASE(a_producer_for_which_the_queue_grows_holds_up_no_consumer_that_sleeps) {
  kill_while_putting_for_a_sleeper(large);
}

BOOST_AUTO_TEST_CASE(a_consumer_holds_up_no_producer_that_sleeps) {
  kill_while_taking_from_a_sleeper({.max_items = 1});
  kill_while_taking_from_a_sleeper({.max_bytes = 200});
}

BOOST_AUTO_TEST_CASE(a_process_with_handles_in_hand_holds_up_no_sleeper) {
  kill_while_putting_for_a_sleeper(small, 2);
  kill_while_taking_from_a_sleeper({.max_items = 1}, 2);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_finds_nothing_holds_up_no_other_that_sleeps) {
  for (const auto time : {0ms, 1ms}) {
    report(kill_everywhere(
        [=] {
          const auto queue = used_queue();
          const auto consumer = std::make_shared<sleeping_consumer>(queue);
          return deed{[=] { queue->get_for(time); },
                      [=] {
                        queue->put(parcel(1, small, 0));
                        check_parcel(consumer->wake_up().value(), 1);
                        check_closes(*queue);
                      }};
        },
        budget));
  }
}

BOOST_AUTO_TEST_CASE(a_producer_that_finds_no_room_holds_up_no_other_that_sleeps) {
  report(kill_everywhere(
      [] {
        const auto queue = used_queue({.max_items = 1});
        queue->put(parcel(1, small, 0));
        const auto producer = std::make_shared<sleeping_producer>(queue, 2);
        const auto what = std::make_shared<parcel>(3, small, 0);
        return deed{[=] { queue->put_for(*what, 1ms); },
                    [=] {
                      check_parcel(take(*queue), 1);
                      check_parcel(take(*queue), 2);
                      BOOST_TEST(producer->wake_up());
                      check_closes(*queue);
                    }};
      },
      budget));
}

BOOST_AUTO_TEST_CASE(a_process_that_closes_wakes_all_sleepers_or_none) {
  for (const closing rest : {closing::drain, closing::discard}) {
    report(kill_everywhere(
        [=] {
          const auto empty = used_queue(), full = used_queue({.max_items = 1});
          full->put(parcel(1, small, 0));
          const auto consumer = std::make_shared<sleeping_consumer>(empty);
          const auto producer = std::make_shared<sleeping_producer>(full, 2);
          return deed{[=] {
                        empty->close(rest);
                        full->close(rest);
                      },
                      [=] {
                        if (empty->closed()) {
                          BOOST_TEST(!consumer->wake_up());
                        } else {
                          empty->put(parcel(1, small, 0));
                          check_parcel(consumer->wake_up().value(), 1);
                        }
                        if (full->closed()) {
                          BOOST_TEST(!producer->wake_up());
                          if (rest == closing::drain) check_parcel(take(*full), 1);
                        } else {
                          for (const std::uint32_t number : {1U, 2U}) check_parcel(take(*full), number);
                          BOOST_TEST(producer->wake_up());
                        }
                        check_closes(*empty);
                        check_closes(*full);
                      }};
        },
        budget));
  }
}

BOOST_AUTO_TEST_CASE(a_producer_among_others_holds_up_none_of_them) {
  for (const setting& each : settings) {
    traffic flow(each.options, each.handles);
    std::uint32_t number = 0;
    report(kill_everywhere(
        [&] {
          number += 3;
          return deed{[handles = each.handles, queue = flow.queue(), number]() mutable {
                        for (std::uint32_t i = 0; i < 3; ++i)
                          queue.put(parcel(number + i, small, handles, traffic::killed));
                      },
                      [&] { flow.check_goes_on(); }};
        },
        budget));
    flow.end();
    BOOST_TEST(flow.seen() == flow.put());
    BOOST_WARN(flow.seen_of_killed() > 0U);
    BOOST_TEST(flow.seen_of_killed() <= number);
  }
}

BOOST_AUTO_TEST_CASE(a_consumer_among_others_holds_up_none_of_them) {
  for (const setting& each : settings) {
    traffic flow(each.options, each.handles);
    const shared_value<std::atomic<std::uint32_t>> taken(0U);
    const kill_figures figures = kill_everywhere(
        [&] {
          return deed{[=, queue = flow.queue()]() mutable {
                        for (int i = 0; i < 3; ++i) *taken += queue.get().is_whole();
                      },
                      [&] { flow.check_goes_on(); }};
        },
        budget);
    report(figures);
    flow.end();
    BOOST_TEST(flow.seen() + *taken <= flow.put());
    BOOST_TEST(flow.seen() + *taken + figures.kills >= flow.put());
    BOOST_WARN(*taken > 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
