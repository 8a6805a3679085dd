// SPDX-License-Identifier: BSL-1.0
// Producers and consumers of one queue are killed at random and replaced, many times.
#include <ferry/joinable_queue.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/shared_value.hpp>

#include "killing_queues/queues.hpp"
#include "support/leaks.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iterator>
#include <random>
#include <type_traits>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t producers = 3, consumers = 3;
constexpr std::uint32_t most_items = 1U << 16U;  // of one producer

/// What became of the items of one producer. In memory that survives whoever notes something in it.
struct account {
  std::atomic<std::uint32_t> put;                                 ///< that many puts are known to be complete
  std::array<std::atomic<std::uint32_t>, most_items / 32> taken;  ///< one bit for each item

  /// @returns whether it had been taken before
  bool note(std::uint32_t number) {
    const std::uint32_t bit = 1U << number % 32;
    return (taken[number / 32].fetch_or(bit) & bit) != 0;
  }
  bool has(std::uint32_t number) const { return (taken[number / 32] >> number % 32 & 1U) != 0; }
};

struct ledger {
  std::atomic<bool> stop;
  std::atomic<std::size_t> taken, torn, doubled, out_of_order, from_nowhere;
};

/// Small ones, and now and then one for which the ring may have to grow.
std::size_t random_size(std::mt19937& random, std::size_t most) {
  const unsigned which = random() % 64;
  return random() % (which == 0 ? most : which < 8 ? std::min<std::size_t>(most, 5'000) : 200);
}

/// More than a packet holds, now and then.
std::size_t random_handle_count(std::mt19937& random) {
  return std::array<std::size_t, 8>{0, 0, 0, 0, 1, 1, 3, random() % 16 == 0 ? 260U : 0U}[random() % 8];
}

constexpr std::size_t for_growth = std::size_t{300} << 10U;  // bytes of an item

struct cargo {
  std::size_t most_bytes;  ///< of an item
  bool with_handles = false;
  bool under_lease = false;
};

/// @tparam Queue  of parcels; what is taken out of a joinable one is a task
template <class Queue>
class scene {
 public:
  scene(std::size_t kills, const queue_options& options, cargo what)
      : queue_(options),
        cargo_(what),
        producers_to_come_(producers + kills),
        memory_(producers_to_come_ * sizeof(account)),
        accounts_(reinterpret_cast<account*>(memory_.span().data())) {
    for (auto& each : producers_) start_producer(each);
    for (auto& each : consumers_) start_consumer(each);
  }

  void kill_one(std::mt19937& random) {
    const std::size_t which = random() % (producers + consumers);
    const bool is_producer = which < producers;
    auto& victim = is_producer ? producers_[which] : consumers_[which - producers];
    victim->signal(SIGKILL);
    BOOST_REQUIRE(victim->wait() == -SIGKILL);
    if (is_producer) {
      start_producer(victim);
    } else {
      ++consumers_killed_;
      start_consumer(victim);
    }
  }

  void end_well() {
    book_->stop = true;
    for (auto& each : producers_) BOOST_TEST(each->wait() == 0);
    if constexpr (has_tasks) join();
    queue_.close();
    for (auto& each : consumers_) BOOST_TEST(each->wait() == 0);
    BOOST_TEST(queue_.size() == 0U);
    BOOST_CHECK_THROW(queue_.get_for(patience), end_of_stream);
  }

  void check_accounts() const {
    std::size_t lost = 0, in_hands = 0;
    for (std::uint32_t id = 0; id < next_producer_; ++id) {
      const account& each = accounts_[id];
      const std::uint32_t put = each.put;
      for (std::uint32_t number = 0; number < put; ++number) lost += !each.has(number);
      in_hands += put < most_items && each.has(put);  // put by one who was killed before noting it
    }
    BOOST_TEST_MESSAGE(consumers_killed_ + next_producer_ - producers
                       << " kills, " << book_->taken << " items taken; " << lost << " lost with "
                       << consumers_killed_ << " consumers, " << in_hands << " put in the moment of death of "
                       << next_producer_ - producers << " producers; " << book_->doubled
                       << " taken again from killed consumers, " << told_ << " told as lost tasks");
    BOOST_TEST(book_->taken > 0U);
    BOOST_TEST(book_->torn == 0U);
    BOOST_TEST(book_->from_nowhere == 0U);
    if (cargo_.under_lease) {
      // What a killed consumer has noted and not acknowledged comes again, before those that wait.
      BOOST_TEST(lost == 0U);
      BOOST_TEST(book_->doubled <= consumers_killed_);
      return;
    }
    BOOST_TEST(book_->doubled == 0U);
    BOOST_TEST(book_->out_of_order == 0U);
    BOOST_TEST(lost <= consumers_killed_);
    if constexpr (has_tasks) {
      // What was lost, and what was noted by one who was killed before he could say that it is done.
      BOOST_TEST(lost <= told_);
      BOOST_TEST(told_ <= consumers_killed_);
    }
  }

 private:
  using order = std::vector<std::uint32_t>;
  static constexpr bool has_tasks = std::is_same_v<Queue, joinable_queue<parcel>>;

  /// Until all is done or told as lost.
  void join() {
    for (bool done = false; !done;) {
      try {
        done = queue_.join_for(patience);
        BOOST_REQUIRE(done);
      } catch (const tasks_lost& some) {
        told_ += some.count();
      }
    }
  }

  int produce(std::uint32_t id) {
    std::mt19937 random(id);
    std::uint32_t number = 0;
    while (!book_->stop) {
      // Without a bound the items would be more than there is memory.
      if (number == most_items || queue_.size() > 500) {
        std::this_thread::sleep_for(100us);
        continue;
      }
      const std::size_t handles = cargo_.with_handles ? random_handle_count(random) : 0;
      if (!queue_.put_for(parcel(number, random_size(random, cargo_.most_bytes), handles, id), patience))
        return 1;
      accounts_[id].put = ++number;
    }
    return 0;
  }

  int consume() {
    order next(producers_to_come_);
    try {
      while (take_one(next)) {
      }
      return 1;
    } catch (const end_of_stream&) {
      return 0;
    }
  }

  /// @returns false when nothing came in time
  bool take_one(order& next) {
    if constexpr (!has_tasks) {
      if (cargo_.under_lease) {
        auto got = queue_.get_leased_for(patience);
        if (!got) return false;
        note(**got, next);
        got->ack();
        return true;
      }
    }
    const std::optional<parcel> got = queue_.get_for(patience);
    if (!got) return false;
    note(*got, next);
    if constexpr (has_tasks) queue_.task_done();
    return true;
  }

  void note(const parcel& got, order& next) {
    if (!got.is_whole()) {
      ++book_->torn;
      return;
    }
    // First of all, so that hardly anything is lost by the test.
    if (accounts_[got.writer].note(got.number)) ++book_->doubled;
    ++book_->taken;
    if (got.number > accounts_[got.writer].put) ++book_->from_nowhere;
    if (got.number < next[got.writer]) ++book_->out_of_order;
    next[got.writer] = got.number + 1;
  }

  void start_producer(std::unique_ptr<forked_child>& place) {
    const std::uint32_t id = next_producer_++;
    place = std::make_unique<forked_child>([this, id] { return without_leaks([&] { return produce(id); }); });
  }
  void start_consumer(std::unique_ptr<forked_child>& place) {
    place = std::make_unique<forked_child>([this] { return without_leaks([&] { return consume(); }); });
  }

  /// Does it as a child. @returns what `work` returns, or 2 when it leaves a descriptor behind
  template <class Work>
  static int without_leaks(Work work) {
    const holdings before = holdings::now();
    const int result = work();
    return result == 0 && holdings::now().descriptors != before.descriptors ? 2 : result;
  }

  Queue queue_;
  cargo cargo_;
  std::size_t producers_to_come_;
  shared_memory memory_;
  account* accounts_;
  shared_value<ledger> book_;
  std::array<std::unique_ptr<forked_child>, producers> producers_;
  std::array<std::unique_ptr<forked_child>, consumers> consumers_;
  std::uint32_t next_producer_ = 0;
  std::size_t consumers_killed_ = 0, told_ = 0;
};

template <class Queue = parcels>
void kill_many(std::size_t kills, const queue_options& options, cargo what) {
  std::mt19937 random(2024);
  scene<Queue> all(kills, options, what);
  const holdings before = holdings::now();
  for (std::size_t i = 0; i < kills; ++i) {
    // Not to wait for anything, but for death to come at any moment.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 6'000));
    all.kill_one(random);
    BOOST_REQUIRE(holdings::now().descriptors == before.descriptors);
  }
  all.end_well();
  all.check_accounts();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queue_soak)

// known failure 2: a killed reader keeps the lock of a queue for ever
BOOST_AUTO_TEST_CASE(killed_consumers_among_many_lose_nothing_but_what_they_hold) {
  const std::size_t kills = kills_to_make(800), quarter = kills / 4;
  kill_many(kills - 3 * quarter, {}, {for_growth});
  kill_many(quarter, {.max_items = 4}, {for_growth});
  kill_many(quarter, {.max_bytes = 100'000}, {50'000});
  kill_many(quarter, {}, {.most_bytes = for_growth, .with_handles = true});
}

BOOST_AUTO_TEST_CASE(items_under_leases_are_never_lost_among_many) {
  const std::size_t kills = kills_to_make(400), half = kills / 2;
  kill_many(kills - half, {}, {.most_bytes = for_growth, .under_lease = true});
  kill_many(half, {}, {.most_bytes = for_growth, .with_handles = true, .under_lease = true});
}

BOOST_AUTO_TEST_CASE(every_task_is_done_or_told_as_lost) {
  kill_many<joinable_queue<parcel>>(kills_to_make(200), {}, {.most_bytes = for_growth, .with_handles = true});
}

BOOST_AUTO_TEST_SUITE_END()
