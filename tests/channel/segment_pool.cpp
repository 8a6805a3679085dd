// SPDX-License-Identifier: BSL-1.0
// The segments that one end keeps for large messages: when they are used again, how many, and who says so.
#include "channel/segment_pool.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/memory.hpp"
#include "os/socket.hpp"
#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using ferry::channel::segment_cache;
using ferry::channel::segment_pool;
using ferry::channel::segment_use;

namespace {

using use = std::unique_ptr<segment_use>;

constexpr std::size_t size = 100'000;

os::memory_identity memory_of(const use& of) {
  return os::identify_memory(of->handle());
}

/// A message as its receiver has it. Dropping it is how the receiver says that it has read it.
std::unique_ptr<buffer::external> receive(segment_cache& receiver, const use& sent) {
  return receiver.use(sent->handle(), sent->board(), sent->number(), size);
}
std::unique_ptr<buffer::external> hand_over(segment_cache& receiver, use sent) {
  auto received = receive(receiver, sent);
  sent->hand_over();
  return received;
}

/// Whether the pool gives that memory to the next message.
bool is_free(segment_pool& pool, const os::memory_identity& memory) {
  return memory_of(pool.use(size)) == memory;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(segment_pools)

BOOST_AUTO_TEST_CASE(a_size_beyond_all_memory_is_an_error_and_the_pool_goes_on) {
  segment_pool pool(0);
  for (const std::size_t much : {std::size_t{1} << 62U, std::numeric_limits<std::size_t>::max() / 2})
    BOOST_CHECK_THROW(pool.use(much), error);
  BOOST_TEST(pool.use(size)->memory().size() >= size);
}

BOOST_AUTO_TEST_CASE(a_message_that_claims_more_than_its_segment_has_is_refused_with_both_sizes) {
  segment_pool pool(0);
  segment_cache receiver;
  const use sent = pool.use(size);
  const std::size_t room = sent->memory().size();
  BOOST_CHECK_EXCEPTION(receiver.use(sent->handle(), sent->board(), sent->number(), room + 1), archive_error,
                        [&](const archive_error& refused) {
                          const std::string text = refused.what();
                          return text.find(std::to_string(room + 1)) != std::string::npos &&
                                 text.ends_with(std::to_string(room));
                        });
  BOOST_TEST(receiver.use(sent->handle(), sent->board(), sent->number(), room)->memory().size() == room);
}

BOOST_AUTO_TEST_CASE(what_is_no_segment_or_no_board_is_refused_each_time) {
  segment_pool pool(0);
  segment_cache receiver;
  const use sent = pool.use(size);
  const unique_handle no_memory = os::plain_pipe().first, small = os::create_memory(16);
  for (int time = 0; time < 2; ++time) {
    BOOST_CHECK_THROW(receiver.use(no_memory, sent->board(), 1, 1), error);
    BOOST_CHECK_THROW(receiver.use(small, sent->board(), 1, 1), error);
    BOOST_CHECK_THROW(receiver.use(sent->handle(), no_memory, 1, 1), error);
    BOOST_CHECK_THROW(receiver.use(sent->handle(), small, 1, 1), error);
  }
  BOOST_TEST(receive(receiver, sent)->memory().size() == size);
}

BOOST_AUTO_TEST_CASE(a_release_with_another_number_frees_nothing) {
  segment_pool pool(0);
  segment_cache receiver;
  use sent = pool.use(size);
  const auto memory = memory_of(sent);
  const std::uint64_t number = sent->number();
  sent->hand_over();
  for (const std::uint64_t wrong : {std::uint64_t{0}, number + 1, number - 1, ~number})
    receiver.use(sent->handle(), sent->board(), wrong, size).reset();
  BOOST_CHECK(!is_free(pool, memory));
  receiver.use(sent->handle(), sent->board(), number, size).reset();
  BOOST_CHECK(is_free(pool, memory));
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_being_written_is_given_to_nobody_whatever_its_receiver_says) {
  segment_pool pool(0);
  segment_cache receiver;
  use sent = pool.use(size);
  const auto memory = memory_of(sent);
  receive(receiver, sent).reset();
  BOOST_CHECK(!is_free(pool, memory));
  sent->hand_over();
  sent.reset();
  BOOST_CHECK(is_free(pool, memory));
}

BOOST_AUTO_TEST_CASE(a_use_that_was_not_handed_over_frees_its_segment_when_it_is_dropped) {
  segment_pool pool(0);
  use first = pool.use(size);
  const auto memory = memory_of(first);
  const std::uint64_t number = first->number();
  BOOST_CHECK(!is_free(pool, memory));
  first.reset();
  const use second = pool.use(size);
  BOOST_CHECK(memory_of(second) == memory);
  BOOST_TEST(number != 0U);
  BOOST_TEST(second->number() != 0U);
  BOOST_TEST(second->number() != number);
}

BOOST_AUTO_TEST_CASE(a_use_that_was_handed_over_ends_when_the_last_receiver_drops_it) {
  segment_pool pool(0);
  segment_cache receiver;
  use sent = pool.use(size);
  const auto memory = memory_of(sent);
  std::ranges::fill(sent->memory(), std::byte{7});
  auto received = hand_over(receiver, std::move(sent));
  BOOST_CHECK(!is_free(pool, memory));
  BOOST_TEST(received->memory().size() == size);
  BOOST_CHECK(std::ranges::all_of(received->memory(), [](std::byte each) { return each == std::byte{7}; }));
  received.reset();
  BOOST_CHECK(is_free(pool, memory));
}

BOOST_AUTO_TEST_CASE(a_segment_that_comes_again_is_mapped_where_it_was) {
  segment_pool pool(0);
  segment_cache receiver;
  auto received = hand_over(receiver, pool.use(size));
  const std::byte* const where = received->memory().data();
  received.reset();
  BOOST_TEST(hand_over(receiver, pool.use(size))->memory().data() == where);
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_far_too_large_is_left_for_a_larger_message) {
  segment_pool pool(0);
  const auto memory = memory_of(pool.use(10 * size));
  BOOST_CHECK(memory_of(pool.use(size)) != memory);
  BOOST_CHECK(memory_of(pool.use(5 * size)) == memory);
}

BOOST_AUTO_TEST_CASE(the_oldest_segments_are_let_go_of_whether_in_use_or_not) {
  segment_pool pool(0);
  std::vector<use> uses;
  std::vector<os::memory_identity> made;
  for (std::size_t i = 0; i < channel::pool_limit::segments + 8; ++i) {
    uses.push_back(pool.use(size));
    made.push_back(memory_of(uses.back()));
  }
  uses.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < channel::pool_limit::segments; ++i) {
    uses.push_back(pool.use(size));
    const auto found = std::ranges::find(made, memory_of(uses.back()));
    if (found != made.end() && found - made.begin() >= 8) ++kept;
  }
  BOOST_TEST(kept == channel::pool_limit::segments);
  BOOST_CHECK(std::ranges::find(made, memory_of(pool.use(size))) == made.end());
}

BOOST_AUTO_TEST_CASE(the_bytes_that_are_kept_are_bounded_and_the_largest_are_used_once) {
  segment_pool pool(0);
  const std::size_t large = channel::pool_limit::bytes * 2 / 5;
  std::vector<use> uses;
  for (int i = 0; i < 3; ++i) uses.push_back(pool.use(large));
  const auto first = memory_of(uses[0]), second = memory_of(uses[1]);
  uses.clear();
  uses.push_back(pool.use(large));
  BOOST_CHECK(memory_of(uses[0]) == second);
  uses.push_back(pool.use(large));
  BOOST_CHECK(memory_of(uses[1]) != first);
  const std::size_t before = os::open_handles();
  pool.use(channel::pool_limit::largest + 1);
  BOOST_TEST(os::open_handles() == before);
}

BOOST_AUTO_TEST_CASE(messages_that_nobody_ever_reads_cost_no_more_than_the_pool_keeps) {
  segment_pool pool(0);
  const std::size_t before = os::open_handles();
  std::set<std::uint64_t> numbers;
  // Places on the board come round, too.
  constexpr std::size_t count = channel::release_board::slots + 40;
  for (std::size_t i = 0; i < count; ++i) {
    const use sent = pool.use(1000);
    numbers.insert(sent->number());
    sent->hand_over();
  }
  BOOST_TEST(numbers.size() == count);
  BOOST_TEST(os::open_handles() <= before + channel::pool_limit::segments + 2);
}

BOOST_AUTO_TEST_CASE(a_late_release_frees_no_segment_that_has_the_same_place_by_now) {
  segment_pool pool(0);
  segment_cache receiver;
  auto late = hand_over(receiver, pool.use(size));
  for (std::size_t i = 1; i < channel::release_board::slots; ++i) pool.use(size)->hand_over();
  use with_same_place = pool.use(size);
  const auto memory = memory_of(with_same_place);
  with_same_place->hand_over();
  with_same_place.reset();
  late.reset();
  BOOST_CHECK(!is_free(pool, memory));
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_killed_keeps_its_segment_and_no_other) {
  segment_pool pool(0);
  use sent = pool.use(size);
  const auto memory = memory_of(sent);
  const os::handle_pair line = os::plain_pipe();
  forked_child receiver([&] {
    segment_cache own;
    const auto received = receive(own, sent);
    if (::write(line.second.native(), "x", 1) != 1) return 1;
    for (;;) ::pause();
    return 0;
  });
  char byte = 0;
  BOOST_REQUIRE(::read(line.first.native(), &byte, 1) == 1);
  sent->hand_over();
  sent.reset();
  receiver.signal(SIGKILL);
  BOOST_TEST(receiver.wait() == -SIGKILL);
  BOOST_CHECK(!is_free(pool, memory));
  // It is the oldest one some time, and let go of.
  for (std::size_t i = 0; i < channel::pool_limit::segments; ++i) pool.use(size)->hand_over();
  segment_cache own;
  use another = pool.use(size);
  const auto other_memory = memory_of(another);
  hand_over(own, std::move(another)).reset();
  BOOST_CHECK(is_free(pool, other_memory));
}

BOOST_AUTO_TEST_CASE(a_forked_copy_of_a_message_ends_no_use) {
  segment_pool pool(0);
  use sent = pool.use(size);
  const auto memory = memory_of(sent);
  BOOST_TEST(fork_child([&] {
               sent.reset();
               return is_free(pool, memory) ? 1 : 0;
             }) == 0);
  BOOST_CHECK(!is_free(pool, memory));
}

BOOST_AUTO_TEST_CASE(a_pool_knows_its_own_messages) {
  segment_pool pool(0), other(0);
  segment_cache receiver;
  const buffer own = pool.allocate(size), of_another = other.allocate(size);
  buffer on_the_heap;
  on_the_heap.append(1);
  BOOST_REQUIRE(pool.own_use(own) != nullptr);
  const buffer received(receiver.use(pool.own_use(own)->handle(), pool.own_use(own)->board(),
                                     pool.own_use(own)->number(), size),
                        size);
  BOOST_TEST(pool.own_use(own) == own.memory());
  BOOST_TEST(pool.own_use(of_another) == nullptr);
  BOOST_TEST(pool.own_use(received) == nullptr);
  BOOST_TEST(pool.own_use(on_the_heap) == nullptr);
}

BOOST_AUTO_TEST_CASE(threads_never_get_one_segment_at_once) {
  segment_pool pool(0);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 4; ++i)
    threads.emplace_back([&pool, &wrong, mark = static_cast<std::byte>(i)] {
      for (int k = 0; k < 200; ++k) {
        const use mine = pool.use(5000);
        std::ranges::fill(mine->memory(), mark);
        std::this_thread::yield();
        if (!std::ranges::all_of(mine->memory(), [=](std::byte each) { return each == mark; })) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
