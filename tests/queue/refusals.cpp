// SPDX-License-Identifier: BSL-1.0
// What a queue refuses, and what it says when it is closed or there is nothing left.
#include <ferry/connection.hpp>
#include <ferry/queue.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/simple_queue.hpp>

#include "os/memory.hpp"
#include "queue/support.hpp"
#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Says that it is a queue of numbers, and brings another handle.
struct impostor {
  unique_handle memory, event, reader, writer;
};

}  // namespace

template <>
struct ferry::reducer<impostor> {
  static constexpr auto name = reducer<queue<int>>::name;
  static std::tuple<handle_view, handle_view, handle_view, handle_view, transfer, limits> reduce(
      const impostor& fake) {
    return {fake.memory, fake.event, fake.reader, fake.writer, transfer::inherit, limits()};
  }
};

BOOST_AUTO_TEST_SUITE(queues)

BOOST_AUTO_TEST_CASE(memory_of_no_queue_does_not_arrive_as_a_queue) {
  auto [end, other_end] = pipe();
  const shared_memory zeros(std::size_t{1} << 20U);
  const unique_handle memory = os::create_growing_memory(std::size_t{1} << 20U);
  for (const native_handle_type wrong : {end.native_handle(), zeros.native_handle(), memory.native()}) {
    const auto copy = [&] { return duplicate(handle_view(wrong)); };
    BOOST_CHECK_THROW(loads<queue<int>>(dumps(impostor{copy(), copy(), copy(), copy()})), archive_error);
  }
}

BOOST_AUTO_TEST_CASE(a_queue_of_other_items_does_not_arrive_as_this_one) {
  const queue<std::string> texts;
  BOOST_CHECK_THROW(loads<queue<int>>(dumps(texts, any_time), any_time), type_mismatch);
}

using every_queue = std::tuple<queue<int>, simple_queue<int>>;
BOOST_AUTO_TEST_CASE_TEMPLATE(a_queue_crosses_at_any_time_only_if_that_is_said, tested, every_queue) {
  tested queue;
  auto [here, there] = pipe();
  BOOST_CHECK_THROW(here.send(queue), spawning_error);
  BOOST_CHECK(!there.poll());
  here.options().mode = transfer::duplicate;
  here.send(queue);
  queue.put(1);
  BOOST_TEST(take(queue) == 1);
  queue.put(2);
  auto arrived = there.recv<tested>();
  BOOST_TEST(take(arrived) == 2);
}

// known failure 5: what cannot be written is lost, and nobody is told
// conformance: _TestQueue.test_queue_feeder_donot_stop_onexc
BOOST_AUTO_TEST_CASE(an_item_that_cannot_be_written_is_an_error_of_its_put_and_takes_no_room) {
  queue<unwilling> refused({.max_items = 1});
  BOOST_CHECK_EXCEPTION(refused.put({}), std::runtime_error,
                        [](const std::exception& e) { return e.what() == std::string("not today"); });
  BOOST_TEST(refused.empty());
  BOOST_TEST(!refused.full());

  queue<std::string> small({.max_items = 1, .limit = {.bytes = 1000}});
  BOOST_CHECK_THROW(small.put(std::string(2000, 'x')), limit_exceeded);
  small.put("fits");
  BOOST_TEST(small.size() == 1U);
  BOOST_TEST(take(small) == "fits");
}

BOOST_AUTO_TEST_CASE(an_item_that_cannot_be_read_is_an_error_of_its_get_alone) {
  queue<poison> queue;
  for (const int number : {-1, 1}) queue.put({number});
  BOOST_CHECK_THROW(queue.get(), std::runtime_error);
  BOOST_TEST(take(queue).number == 1);
}

BOOST_AUTO_TEST_CASE(an_item_larger_than_the_bound_is_refused_and_not_waited_for) {
  queue<std::string> queue({.max_bytes = 1000});
  BOOST_CHECK_EXCEPTION(queue.put(std::string(2000, 'x')), limit_exceeded, says("max_bytes"));
  queue.put("fits");
  BOOST_TEST(take(queue) == "fits");
}

// conformance: _TestQueue.test_closed_queue_put_get_exceptions
BOOST_AUTO_TEST_CASE(a_closed_queue_gives_what_is_in_it_and_then_its_end) {
  queue<int> queue, same = another_copy_of(queue);
  queue.put(1);
  same.close();
  BOOST_TEST(queue.closed());
  BOOST_CHECK_THROW(queue.put(2), queue_closed);
  BOOST_CHECK_THROW(queue.try_put(2), queue_closed);
  BOOST_CHECK_THROW(same.put_for(2, 1h), queue_closed);
  BOOST_TEST(queue.size() == 1U);
  BOOST_TEST(queue.get() == 1);
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
  BOOST_CHECK_THROW(queue.try_get(), end_of_stream);
  BOOST_CHECK_THROW(same.get_for(1h), end_of_stream);
}

// conformance: _TestQueue.test_closed_queue_empty_exceptions
BOOST_AUTO_TEST_CASE(closing_twice_is_fine_and_closing_a_queue_that_was_never_used_too) {
  queue<int> queue;
  BOOST_TEST(!queue.closed());
  queue.close();
  queue.close();
  BOOST_TEST(queue.closed());
  BOOST_TEST(queue.empty());
  BOOST_TEST(!queue.full());
}

BOOST_AUTO_TEST_CASE(a_queue_that_is_discarded_holds_nothing) {
  queue<std::string> queue;
  for (int i = 0; i < 10; ++i) queue.put(std::string(50'000, 'x'));
  queue.close(closing::discard);
  BOOST_TEST(queue.size() == 0U);
  BOOST_CHECK_THROW(queue.try_get(), end_of_stream);
  BOOST_CHECK_THROW(queue.put("x"), queue_closed);
  ferry::queue<int> drained;
  drained.put(1);
  drained.close();
  drained.close(closing::discard);
  BOOST_CHECK_THROW(drained.try_get(), end_of_stream);
}

BOOST_AUTO_TEST_CASE(without_descriptors_or_memory_no_queue_is_made) {
  {
    for (const std::size_t more : {0U, 1U, 2U, 3U}) {
      const scoped_fd_limit limit(more);
      BOOST_CHECK_THROW(queue<int>(), system_error);
    }
    const scoped_fd_limit enough(4);
    const queue<int> made;
  }
  {
    const scoped_system_call fault(&os::system_calls::fallocate, [](int, int, off_t, off_t) {
      errno = ENOMEM;
      return -1;
    });
    BOOST_CHECK_THROW(queue<int>(), system_error);
  }
  for (const auto which : {0, 1, 2}) {
    static int left;
    left = which;
    const scoped_system_call fault(&os::system_calls::mmap,
                                   [](void* at, size_t size, int protection, int flags, int fd, off_t from) {
                                     if (left-- > 0) return ::mmap(at, size, protection, flags, fd, from);
                                     errno = ENOMEM;
                                     return MAP_FAILED;
                                   });
    BOOST_CHECK_THROW(queue<int>(), system_error);
  }
}

BOOST_AUTO_TEST_CASE(a_queue_that_cannot_grow_says_so_in_put_and_goes_on) {
  queue<std::string> queue;
  queue.put("before");
  {
    const scoped_system_call fault(&os::system_calls::fallocate, [](int, int, off_t, off_t) {
      errno = ENOSPC;
      return -1;
    });
    BOOST_CHECK_THROW(queue.put(std::string(100'000, 'x')), system_error);
    queue.put("small");
  }
  queue.put(std::string(100'000, 'x'));
  BOOST_TEST(queue.size() == 3U);
  BOOST_TEST(take(queue) == "before");
  BOOST_TEST(take(queue) == "small");
  {
    const scoped_system_call fault(&os::system_calls::mmap, [](void*, size_t, int, int, int, off_t) {
      errno = ENOMEM;
      return MAP_FAILED;
    });
    auto fresh = queue;  // has the ring mapped
    BOOST_TEST(take(fresh).size() == 100'000U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
