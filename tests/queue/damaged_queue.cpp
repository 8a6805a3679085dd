// SPDX-License-Identifier: BSL-1.0
// Somebody who has the queue writes nonsense into its memory: errors, no crash, no hang, nothing allocated
// beyond what the ring has. The locks are left out: those who share them are trusted with them.
#include <ferry/queue.hpp>

#include "os/memory.hpp"
#include "queue/ring_layout.hpp"
#include "support/child.hpp"

#include <boost/serialization/string.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

/// A queue with some items, and its memory as an enemy sees it.
struct victim {
  queue<std::string> items;
  os::mapping memory;

  victim() {
    for (int i = 0; i < 5; ++i) items.put(std::string(static_cast<std::size_t>(100 * i), 'x'));
    auto parts = reducer<queue<std::string>>::reduce(items);
    memory = os::mapping(std::get<0>(parts), detail::ring_offset(1), os::access::read_write);
  }

  detail::ring_head& head() const {
    return *std::launder(reinterpret_cast<detail::ring_head*>(memory.bytes().data()));
  }
  detail::record_head& first_record() const {
    return *std::launder(
        reinterpret_cast<detail::record_head*>(memory.bytes().data() + detail::ring_offset(0)));
  }
};

template <class F>
void allow_errors(F&& call) {
  try {
    call();
  } catch (const error&) {
  }
}

void use(queue<std::string>& it) {
  allow_errors([&] { it.try_put("more"); });
  for (int i = 0; i < 8; ++i) {
    allow_errors([&] { it.try_get(); });
    allow_errors([&] { it.try_get_leased(); });
  }
  it.size();
  it.full();
  allow_errors([&] { it.try_put(std::string(100'000, 'x')); });
  allow_errors([&] { it.close(); });
  allow_errors([&] { it.try_get(); });
  allow_errors([&] { it.close(closing::discard); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(damaged_queues)

BOOST_AUTO_TEST_CASE(an_item_longer_than_the_ring_is_an_error) {
  victim hurt;
  for (const std::uint64_t size : {std::uint64_t{1} << 20U, ~std::uint64_t{0}, ~std::uint64_t{0} - 40}) {
    hurt.first_record().size = size;
    BOOST_CHECK_THROW(hurt.items.try_get(), archive_error);
  }
  BOOST_TEST(hurt.items.size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_ring_that_holds_more_than_it_can_is_an_error) {
  victim hurt;
  hurt.head().rings[0].tail.store(0x0000'0005'7fff'ffffU);
  BOOST_CHECK_THROW(hurt.items.try_get(), archive_error);
  BOOST_CHECK_THROW(hurt.items.try_put("x"), archive_error);
}

BOOST_AUTO_TEST_CASE(a_ring_that_is_not_there_is_an_error) {
  for (const std::uint32_t ring : {1U, 5U, 18U, 19U, 1000U, ~0U}) {
    victim hurt;
    hurt.head().writing.store(ring);
    BOOST_CHECK_THROW(hurt.items.put("x"), error);
    hurt.head().reading.store(ring);
    BOOST_CHECK_THROW(hurt.items.try_put(std::string(100'000, 'x')), error);
    use(hurt.items);
  }
}

BOOST_AUTO_TEST_CASE(items_that_are_no_messages_are_errors_and_the_next_can_be_taken) {
  victim hurt;
  hurt.items.get();
  std::byte* const first = hurt.memory.bytes().data() + detail::ring_offset(0);
  // The second item: its record begins behind that of the first, whose item is one byte, the size 0.
  std::memset(first + sizeof(detail::record_head) + 8 + sizeof(detail::record_head), 0xff, 101);
  BOOST_CHECK_THROW(hurt.items.get(), archive_error);
  BOOST_TEST(hurt.items.get().size() == 200U);
}

BOOST_AUTO_TEST_CASE(no_word_of_the_memory_crashes_or_hangs_anybody) {
  BOOST_TEST(fork_child([] {
               std::mt19937_64 random(1);
               const std::size_t locks_begin = offsetof(detail::ring_head, producers);
               const std::size_t locks_end = offsetof(detail::ring_head, consumers) + 40;
               std::vector<std::size_t> places;
               for (std::size_t at = 32; at < sizeof(detail::ring_head); at += 4) {
                 const bool is_lock =
                     (at >= locks_begin && at < locks_begin + 40) || (at + 40 >= locks_end && at < locks_end);
                 if (!is_lock) places.push_back(at);
               }
               for (std::size_t at = 0; at < 400; at += 4) places.push_back(detail::ring_offset(0) + at);
               for (const std::size_t at : places) {
                 for (const std::uint32_t value :
                      {0U, 1U, ~0U, 0x8000'0000U, static_cast<std::uint32_t>(random())}) {
                   victim hurt;
                   std::memcpy(hurt.memory.bytes().data() + at, &value, sizeof value);
                   use(hurt.items);
                 }
               }
               return 0;
             }) == 0);
}

namespace {

std::size_t resident() {
  std::size_t all = 0, here = 0;
  std::ifstream("/proc/self/statm") >> all >> here;
  return here * 4096;
}

/// A ring of which somebody says that it is there, and for which nobody has had memory allocated.
void pretend_ring(const victim& hurt, std::uint32_t ring, std::uint64_t record_size) {
  auto parts = reducer<queue<std::string>>::reduce(hurt.items);
  const int memory = std::get<0>(parts).native();
  BOOST_REQUIRE(::ftruncate(memory, static_cast<off_t>(detail::ring_offset(ring + 1))) == 0);
  const detail::record_head record{record_size, 0, 0, 1, 0};
  BOOST_REQUIRE(::pwrite(memory, &record, sizeof record, static_cast<off_t>(detail::ring_offset(ring))) ==
                sizeof record);
  auto& words = hurt.head().rings[ring];
  words.head = words.next = words.seen_next = words.seen_head = words.seen_tail =
      detail::ring_position{0, 100}.word();
  words.tail = detail::ring_position{detail::record_units(record_size), 101}.word();
  hurt.head().writing = hurt.head().reading = ring;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_item_in_memory_that_nobody_has_paid_for_is_an_error) {
  const victim hurt;
  pretend_ring(hurt, 15, std::uint64_t{1500} << 20U);
  const std::size_t before = resident();
  BOOST_CHECK_THROW(const_cast<victim&>(hurt).items.try_get(), archive_error);
  BOOST_TEST(resident() < before + (std::size_t{16} << 20U));
}

BOOST_AUTO_TEST_CASE(a_ring_that_nobody_has_paid_for_is_not_made_larger) {
  victim hurt;
  pretend_ring(hurt, 14, (std::uint64_t{1} << 30U) - 64);
  BOOST_CHECK_THROW(hurt.items.try_put(std::string(100'000, 'x')), archive_error);
  auto parts = reducer<queue<std::string>>::reduce(hurt.items);
  BOOST_TEST(os::examine_memory(std::get<0>(parts)).allocated < std::size_t{1} << 20U);
}

BOOST_AUTO_TEST_CASE(an_item_beyond_the_limit_is_dropped_before_it_is_copied) {
  queue<std::string> strict({.limit = {.bytes = 1000}});
  auto [memory, event, reader, writer, options] = reducer<queue<std::string>>::reduce(strict);
  auto generous = reducer<queue<std::string>>::rebuild(duplicate(memory), duplicate(event), duplicate(reader),
                                                       duplicate(writer), {.mode = options.mode});
  generous.put(std::string(50'000'000, 'x'));
  generous.put(std::string(2000, 'x'));
  generous.put("short");
  const std::size_t before = resident();
  BOOST_CHECK_THROW(strict.get(), limit_exceeded);
  BOOST_TEST(resident() < before + (std::size_t{16} << 20U));
  BOOST_CHECK_THROW(strict.get_leased(), limit_exceeded);
  BOOST_TEST(strict.get() == "short");
  BOOST_TEST(strict.empty());
}

BOOST_AUTO_TEST_CASE(an_item_with_more_handles_than_the_limit_is_dropped_with_them) {
  using type = queue<std::vector<unique_handle>>;
  type strict({.mode = transfer::duplicate, .limit = {.handles = 2}});
  auto [memory, event, reader, writer, options] = reducer<type>::reduce(strict);
  auto generous = reducer<type>::rebuild(duplicate(memory), duplicate(event), duplicate(reader),
                                         duplicate(writer), {.mode = options.mode});
  for (const int count : {3, 300, 1}) {
    std::vector<unique_handle> handles;
    for (int i = 0; i < count; ++i) handles.push_back(duplicate(event));
    generous.put(handles);
  }
  BOOST_CHECK_THROW(strict.get(), limit_exceeded);
  BOOST_CHECK_THROW(strict.get(), limit_exceeded);
  BOOST_TEST(strict.get().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_plain_item_beyond_the_limit_is_not_put) {
  queue<std::array<char, 2000>> strict({.limit = {.bytes = 1000}});
  BOOST_CHECK_THROW(strict.put({}), limit_exceeded);
  BOOST_TEST(strict.empty());
}

BOOST_AUTO_TEST_CASE(an_item_that_can_never_fit_is_refused_with_what_it_takes) {
  queue<std::string> small({.max_bytes = 1000});
  for (const std::size_t size : {std::size_t{990}, std::size_t{100'000}}) {
    try {
      small.try_put(std::string(size, 'x'));
      BOOST_ERROR("it was not refused");
    } catch (const limit_exceeded& thrown) {
      BOOST_TEST((std::string(thrown.what()).find("max_bytes") != std::string::npos));
    }
  }
  BOOST_TEST(small.try_put(std::string(900, 'x')));
  BOOST_TEST(!small.try_put(std::string(900, 'x')));
}

BOOST_AUTO_TEST_SUITE_END()
