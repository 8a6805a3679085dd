// SPDX-License-Identifier: BSL-1.0
// The ring under the queues and the pools, in each of its sharings: bounds, growth, the end of the memory,
// closing, nonsense in the memory, leases, and users that end with a lock.
#include "queue/ring.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/memory.hpp"
#include "os/socket.hpp"
#include "support/child.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <ostream>
#include <set>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using ferry::detail::first_ring_size;
using ferry::detail::lease_ticket;
using ferry::detail::record_facts;
using ferry::detail::record_head;
using ferry::detail::ring;
using ferry::detail::ring_head;

namespace ferry::detail {

std::ostream& operator<<(std::ostream& out, ring::sharing among) {
  return out << (among == ring::sharing::among_all    ? "among all"
                 : among == ring::sharing::recallable ? "recallable"
                                                      : "one to one");
}

}  // namespace ferry::detail

namespace {

const auto every_sharing = boost::unit_test::data::make(
    {ring::sharing::among_all, ring::sharing::recallable, ring::sharing::one_to_one});

using record = std::vector<std::byte>;

/// So many bytes that tell which record they are of.
record record_of(std::size_t size, std::size_t number) {
  record bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(number * 31 + i);
  return bytes;
}

bool put(ring& into, const record& bytes, deadline until = deadline::immediately()) {
  return into.put(bytes, {}, until);
}
std::optional<record> take(ring& from, deadline until = deadline::immediately()) {
  record bytes;
  const bool came = from.get(
      [&](std::size_t size) {
        bytes.resize(size);
        return bytes.data();
      },
      until);
  return came ? std::optional(bytes) : std::nullopt;
}

/// The other end of a ring, as another process has it.
ring other_end(const ring& of, ring::sharing among = ring::sharing::among_all) {
  return ring(duplicate(of.handle()), among);
}

/// The words of a ring as one sees them who writes nonsense into them.
struct intruder {
  explicit intruder(const ring& victim)
      : memory(victim.handle(), detail::ring_offset(1), os::access::read_write) {}
  ring_head& head() const { return *std::launder(reinterpret_cast<ring_head*>(memory.bytes().data())); }
  record_head& first_record() const {
    return *std::launder(reinterpret_cast<record_head*>(memory.bytes().data() + detail::ring_offset(0)));
  }
  os::mapping memory;
};

/// Takes the next item under a lease.
lease_ticket take_lease(ring& from) {
  from.join();
  lease_ticket ticket;
  const auto outcome = from.get_by(
      deadline::immediately(),
      [&](ring::consumer& consumer) {
        ticket = consumer.take_leased();
        return true;
      },
      [] {});
  if (outcome != ring::outcome::done) throw std::runtime_error("there is nothing to lease");
  return ticket;
}
bool end_lease(ring& of, const lease_ticket& which, bool give_back) {
  ring::consumer consumer(of, deadline::never());
  return consumer.end_lease(which, give_back);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rings)

BOOST_AUTO_TEST_CASE(memory_that_is_no_ring_is_refused) {
  BOOST_CHECK_THROW(ring(os::plain_pipe().first), error);
  BOOST_CHECK_THROW(ring(os::create_memory(4096)), archive_error);
  BOOST_CHECK_THROW(ring(os::create_memory(detail::ring_offset(1))), archive_error);
  BOOST_CHECK_THROW(ring{unique_handle()}, error);
}

BOOST_AUTO_TEST_CASE(a_record_that_can_never_be_put_is_refused_and_nothing_is_put) {
  ring bounded(0, 64);
  BOOST_TEST(put(bounded, record(32)));
  BOOST_CHECK_THROW(put(bounded, record(33), deadline::never()), limit_exceeded);
  BOOST_TEST(bounded.size() == 1U);
  ring unbounded(ring::sharing::among_all);
  const auto never_called = [](ring::producer&) -> bool { throw std::logic_error("called"); };
  BOOST_CHECK_THROW(unbounded.put_by(detail::most_item_bytes + 1, deadline::immediately(), never_called),
                    limit_exceeded);
  BOOST_CHECK_THROW(unbounded.put_by(~std::uint64_t{0}, deadline::immediately(), never_called),
                    limit_exceeded);
}

BOOST_DATA_TEST_CASE(nonsense_in_the_memory_is_an_error_of_who_reads_it, every_sharing, among) {
  {
    ring victim(among);
    const intruder enemy(victim);
    put(victim, record(100));
    for (const std::uint64_t size : {std::uint64_t{1} << 20U, ~std::uint64_t{0}, ~std::uint64_t{0} - 40}) {
      enemy.first_record().size = size;
      BOOST_CHECK_THROW(take(victim), archive_error);
    }
    enemy.first_record().size = 100;
    BOOST_TEST(take(victim).value().size() == 100U);
  }
  {
    ring victim(among);
    const intruder enemy(victim);
    put(victim, record(100));
    enemy.head().rings[0].tail.store(0x0000'0005'7fff'ffffU);
    BOOST_CHECK_THROW(take(victim), archive_error);
  }
  for (const std::uint32_t number : {19U, 1000U, ~0U}) {
    ring victim(among);
    const intruder enemy(victim);
    put(victim, record(100));
    enemy.head().reading.store(number);
    enemy.head().writing.store(number);
    BOOST_CHECK_THROW(take(victim), error);
    BOOST_CHECK_THROW(put(victim, record(1)), error);
  }
}

BOOST_DATA_TEST_CASE(a_closed_ring_takes_nothing_and_gives_what_is_in_it_and_then_its_end, every_sharing,
                     among) {
  ring closing(among);
  put(closing, record_of(10, 1));
  bool announced = false;
  closing.close(false, [&] { announced = !closing.closed(); });
  BOOST_TEST(announced);
  BOOST_TEST(closing.closed());
  BOOST_CHECK_THROW(put(closing, record(1)), queue_closed);
  BOOST_TEST(!closing.ended());
  BOOST_CHECK(take(closing) == record_of(10, 1));
  BOOST_TEST(closing.ended());
  BOOST_CHECK_THROW(take(closing, deadline::never()), end_of_stream);
  closing.close(false, [] {});
  BOOST_CHECK_THROW(take(closing), end_of_stream);
}

BOOST_DATA_TEST_CASE(a_discarded_ring_is_empty_at_once, every_sharing, among) {
  ring closing(among);
  for (std::size_t i = 0; i < 2000; ++i) put(closing, record_of(100, i));
  closing.close(true, [] {});
  BOOST_TEST(closing.size() == 0U);
  BOOST_TEST(closing.ended());
  BOOST_CHECK_THROW(take(closing), end_of_stream);
  BOOST_CHECK_THROW(put(closing, record(1)), queue_closed);
}

BOOST_DATA_TEST_CASE(closing_ends_the_waits_for_records, every_sharing, among) {
  ring closing(among);
  std::atomic<bool> told = false;
  std::thread waiting([&] {
    try {
      take(closing, deadline::never());
    } catch (const end_of_stream&) {
      told = true;
    }
  });
  closing.close(false, [] {});
  waiting.join();
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_CASE(closing_ends_the_waits_for_room) {
  ring closing(1, 0);
  put(closing, record(1));
  std::atomic<bool> told = false;
  std::thread waiting([&] {
    try {
      put(closing, record(1), deadline::never());
    } catch (const queue_closed&) {
      told = true;
    }
  });
  closing.close(false, [] {});
  waiting.join();
  BOOST_TEST(told);
  BOOST_TEST(closing.size() == 1U);
}

BOOST_DATA_TEST_CASE(a_record_that_its_taker_cannot_hold_stays, every_sharing, among) {
  ring tested(among);
  put(tested, record_of(10, 1));
  put(tested, record_of(20, 2));
  const auto no_memory = [](std::size_t) -> std::byte* { throw std::bad_alloc(); };
  BOOST_CHECK_THROW(tested.get(no_memory, deadline::immediately()), std::bad_alloc);
  BOOST_TEST(tested.size() == 2U);
  BOOST_CHECK(take(tested) == record_of(10, 1));
  BOOST_CHECK(take(tested) == record_of(20, 2));
}

BOOST_DATA_TEST_CASE(a_put_or_a_take_that_is_declined_or_fails_changes_nothing, every_sharing, among) {
  ring tested(among);
  put(tested, record_of(10, 1));
  BOOST_CHECK(tested.put_by(20, deadline::immediately(), [](ring::producer& to) {
    to.take_serial();
    return false;
  }) == ring::outcome::declined);
  BOOST_CHECK_THROW(tested.put_by(20, deadline::immediately(),
                                  [](ring::producer&) -> bool { throw std::runtime_error("not today"); }),
                    std::runtime_error);
  BOOST_CHECK(tested.get_by(
                  deadline::immediately(), [](ring::consumer&) { return false; }, [] {}) ==
              ring::outcome::declined);
  BOOST_TEST(tested.size() == 1U);
  put(tested, record_of(30, 2));
  BOOST_CHECK(take(tested) == record_of(10, 1));
  BOOST_CHECK(take(tested) == record_of(30, 2));
  BOOST_CHECK(!take(tested));
}

BOOST_DATA_TEST_CASE(records_come_in_order_with_their_bytes_and_facts, every_sharing, among) {
  ring here(among);
  ring there = other_end(here, among);
  std::uint32_t number = 0;
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 31U, 32U, 33U, 4096U, 65'535U}) {
    BOOST_TEST(here.put(record_of(size, number), {number, number + 100}, deadline::immediately()));
    ++number;
  }
  BOOST_TEST(there.size() == number);
  number = 0;
  std::uint64_t last_serial = 0;
  while (there.size() != 0) {
    BOOST_CHECK(there.get_by(
                    deadline::immediately(),
                    [&](ring::consumer& from) {
                      BOOST_TEST(from.record().handles == number);
                      BOOST_TEST(from.record().format == number + 100);
                      BOOST_TEST(from.record().serial > last_serial);
                      last_serial = from.record().serial;
                      const auto bytes = from.bytes();
                      BOOST_CHECK(record(bytes.begin(), bytes.end()) == record_of(bytes.size(), number));
                      from.take();
                      return true;
                    },
                    [] {}) == ring::outcome::done);
    ++number;
  }
  BOOST_TEST(number == 10U);
  BOOST_TEST(there.looks_empty());
  BOOST_CHECK(!take(there));
}

BOOST_DATA_TEST_CASE(records_that_reach_over_the_end_of_the_memory_are_whole, every_sharing, among) {
  ring tested(among);
  const intruder observer(tested);
  std::deque<record> inside;
  // Ten times round, with sizes that have no factor in common with the ring's.
  for (std::size_t i = 0, passed = 0; passed < 10 * first_ring_size; ++i) {
    const std::size_t size = 1 + i * 7919 % 20'011;
    inside.push_back(record_of(size, i));
    BOOST_REQUIRE(put(tested, inside.back()));
    passed += size;
    while (inside.size() > 2) {
      BOOST_REQUIRE(take(tested) == inside.front());
      inside.pop_front();
    }
  }
  BOOST_TEST(observer.head().writing == 0U);
}

BOOST_DATA_TEST_CASE(a_ring_is_filled_to_its_last_byte_and_then_goes_on_in_a_larger_one, every_sharing,
                     among) {
  ring tested(among);
  const intruder observer(tested);
  const std::size_t quarter = first_ring_size / 4 - sizeof(record_head);
  for (std::size_t i = 0; i < 4; ++i) put(tested, record_of(quarter, i));
  BOOST_TEST(observer.head().writing == 0U);
  put(tested, record_of(1, 4));
  BOOST_TEST(observer.head().writing == 1U);
  for (std::size_t i = 0; i < 4; ++i) BOOST_CHECK(take(tested) == record_of(quarter, i));
  BOOST_CHECK(take(tested) == record_of(1, 4));
  BOOST_CHECK(!take(tested));
}

BOOST_DATA_TEST_CASE(a_ring_grows_as_long_as_nothing_is_taken_and_for_a_record_larger_than_itself,
                     every_sharing, among) {
  ring here(among);
  ring there = other_end(here, among);
  std::vector<std::size_t> sizes(30, 10'000);
  sizes.insert(sizes.end(), {3'000'000, 1, 500'000});
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) BOOST_REQUIRE(put(here, record_of(sizes[i], i)));
    BOOST_TEST(there.size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) BOOST_REQUIRE(take(there) == record_of(sizes[i], i));
  }
  BOOST_TEST(here.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_bound_of_items_is_kept_until_one_is_taken) {
  ring bounded(3, 0);
  for (int i = 0; i < 3; ++i) BOOST_TEST(put(bounded, record(100'000)));
  for (int round = 0; round < 3; ++round) {
    BOOST_TEST(!bounded.has_room(0));
    BOOST_TEST(!put(bounded, record(0)));
    BOOST_TEST(bounded.size() == 3U);
    take(bounded);
    BOOST_TEST(bounded.has_room(0));
    BOOST_TEST(put(bounded, record(0)));
  }
}

BOOST_AUTO_TEST_CASE(a_bound_of_bytes_counts_what_a_record_takes) {
  ring bounded(0, 200);
  BOOST_TEST(put(bounded, record(8)));   // 40
  BOOST_TEST(put(bounded, record(41)));  // 80, as 48 bytes
  BOOST_TEST(bounded.has_room(48));
  BOOST_TEST(!bounded.has_room(49));
  BOOST_TEST(!put(bounded, record(49)));
  BOOST_TEST(put(bounded, record(48)));  // 80
  BOOST_TEST(!put(bounded, record(0)));
  take(bounded);
  BOOST_TEST(!put(bounded, record(9)));
  BOOST_TEST(put(bounded, record(8)));
}

BOOST_AUTO_TEST_CASE(an_item_that_is_given_back_comes_again_before_all_others) {
  ring tested(0, 0);
  for (std::size_t i = 0; i < 3; ++i) put(tested, record_of(10, i));
  const lease_ticket first = take_lease(tested), second = take_lease(tested);
  BOOST_TEST(tested.size() == 1U);
  BOOST_TEST(end_lease(tested, second, true));
  BOOST_TEST(end_lease(tested, first, true));
  BOOST_TEST(tested.size() == 3U);
  const std::set<record> came{take(tested).value(), take(tested).value()};
  BOOST_CHECK((came == std::set<record>{record_of(10, 0), record_of(10, 1)}));
  BOOST_CHECK(take(tested) == record_of(10, 2));
  BOOST_TEST(tested.all_done());
}

BOOST_AUTO_TEST_CASE(a_lease_ends_once_and_one_that_never_was_does_not) {
  ring tested(0, 0);
  put(tested, record(10));
  put(tested, record(10));
  const lease_ticket taken = take_lease(tested);
  BOOST_TEST(!tested.all_done());
  for (const lease_ticket& none : {lease_ticket{}, lease_ticket{taken.ring, 0, taken.at, taken.serial + 1},
                                   lease_ticket{taken.ring + 1, 0, taken.at, taken.serial},
                                   lease_ticket{taken.ring, 0, taken.at + 1, taken.serial}})
    BOOST_TEST(!end_lease(tested, none, false));
  BOOST_TEST(end_lease(tested, taken, false));
  BOOST_TEST(!end_lease(tested, taken, false));
  BOOST_TEST(!end_lease(tested, taken, true));
  BOOST_TEST(tested.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_process_that_ends_had_under_leases_comes_again) {
  ring tested(0, 0);
  put(tested, record_of(10, 1));
  put(tested, record_of(10, 2));
  BOOST_TEST(fork_child([&] {
               take_lease(tested);
               return 0;
             }) == 0);
  BOOST_CHECK(take(tested) == record_of(10, 2));
  BOOST_CHECK(take(tested, deadline::after(patience)) == record_of(10, 1));
}

BOOST_AUTO_TEST_CASE(a_producer_that_ends_before_it_commits_leaves_no_record_and_no_lock) {
  ring tested(0, 0);
  put(tested, record_of(10, 1));
  BOOST_TEST(fork_child([&] {
               auto* const lost = new ring::producer(tested, deadline::never());
               lost->prepare(200'000);
               lost->take_serial();
               ::_exit(0);
               return 1;
             }) == 0);
  BOOST_TEST(put(tested, record_of(10, 2), deadline::after(patience)));
  BOOST_TEST(tested.size() == 2U);
  BOOST_CHECK(take(tested) == record_of(10, 1));
  BOOST_CHECK(take(tested) == record_of(10, 2));
}

BOOST_AUTO_TEST_CASE(a_consumer_that_ends_with_the_lock_leaves_what_it_did_not_take) {
  ring tested(0, 0);
  put(tested, record_of(10, 1));
  BOOST_TEST(fork_child([&] {
               auto* const lost = new ring::consumer(tested, deadline::never());
               if (lost->find()) ::_exit(0);
               return 1;
             }) == 0);
  BOOST_CHECK(take(tested, deadline::after(patience)) == record_of(10, 1));
}

BOOST_AUTO_TEST_CASE(one_who_puts_takes_back_what_a_taker_that_has_ended_left) {
  ring here(ring::sharing::recallable);
  put(here, record_of(10, 1));
  BOOST_TEST(fork_child([&] {
               ring there = other_end(here, ring::sharing::recallable);
               auto* const lost = new ring::consumer(there, deadline::immediately());
               if (lost->holds() && lost->find()) ::_exit(0);
               return 1;
             }) == 0);
  BOOST_TEST(!ring::consumer(here, ring::consumer::at_once()).holds());
  here.taker_has_ended();
  ring::consumer recall(here, ring::consumer::at_once());
  BOOST_REQUIRE(recall.holds());
  BOOST_REQUIRE(recall.find());
  BOOST_TEST(recall.bytes().size() == 10U);
  recall.take();
  BOOST_TEST(here.size() == 0U);
}

BOOST_DATA_TEST_CASE(records_pass_whole_and_in_order_from_one_thread_to_another, every_sharing, among) {
  ring here(among);
  ring there = other_end(here, among);
  constexpr std::size_t count = 20'000;
  std::atomic<std::size_t> wrong = 0;
  std::thread taker([&] {
    for (std::size_t i = 0; i < count; ++i)
      if (take(there, deadline::never()) != record_of(i * 37 % 301, i)) ++wrong;
  });
  for (std::size_t i = 0; i < count; ++i) put(here, record_of(i * 37 % 301, i), deadline::never());
  taker.join();
  BOOST_TEST(wrong == 0U);
  BOOST_TEST(here.size() == 0U);
}

BOOST_AUTO_TEST_CASE(no_record_is_lost_or_comes_twice_where_many_put_and_take_within_a_bound) {
  ring tested(2, 0);
  constexpr std::size_t each = 4000;
  std::vector<std::atomic<int>> seen(3 * each);
  std::vector<std::thread> threads;
  for (std::size_t from = 0; from < 3; ++from)
    threads.emplace_back([&, from] {
      for (std::size_t i = 0; i < each; ++i) {
        const std::size_t number = from * each + i;
        put(tested,
            record(reinterpret_cast<const std::byte*>(&number),
                   reinterpret_cast<const std::byte*>(&number + 1)),
            deadline::never());
      }
    });
  for (int taker = 0; taker < 3; ++taker)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < each; ++i) {
        std::size_t number = 0;
        tested.get([&](std::size_t) { return reinterpret_cast<std::byte*>(&number); }, deadline::never());
        ++seen[number];
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(std::ranges::all_of(seen, [](const auto& times) { return times == 1; }));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
