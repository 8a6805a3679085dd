// SPDX-License-Identifier: BSL-1.0
// Queues when the system or the heap has nothing left at any one moment of what they do.
#include <ferry/archive.hpp>
#include <ferry/joinable_queue.hpp>
#include <ferry/queue.hpp>
#include <ferry/simple_queue.hpp>

#include "faults/refusals.hpp"
#include "support/crossing.hpp"
#include "support/killing.hpp"

#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>

using namespace ferry;
using namespace ferry::test;

namespace {

constexpr std::size_t many = 300;  // handles: more than a packet takes

template <class Queue>
void make_and_send() {
  refuse_each([] { return attempt{[] { const Queue made; }, [](bool) { const Queue made; }}; });
  refuse_each([] {
    const auto sent = std::make_shared<Queue>();
    return attempt{[=] { loads<Queue>(dumps(*sent, any_time), any_time); },
                   [=](bool) {
                     auto arrived = loads<Queue>(dumps(*sent, any_time), any_time);
                     arrived.put(parcel(1, small, 1));
                     check_parcel(*sent->get_for(patience), 1);
                   }};
  });
}

/// Nothing is put when there is an exception, and the next is.
template <class Queue>
void put(std::size_t size, std::size_t handles) {
  refuse_each([=] {
    const auto queue = std::make_shared<Queue>();
    const auto what = std::make_shared<parcel>(1, size, handles);
    return attempt{[=] { queue->put(*what); },
                   [=](bool done) {
                     queue->put(parcel(2, size, handles));
                     if (done) check_parcel(*queue->get_for(patience), 1);
                     check_parcel(*queue->get_for(patience), 2);
                     BOOST_TEST(queue->empty());
                   }};
  });
}

/// At most that item is lost with the exception, and the next is taken.
template <class Queue>
void get(std::size_t size, std::size_t handles) {
  refuse_each([=] {
    const auto queue = std::make_shared<Queue>();
    for (std::uint32_t number = 1; number <= 2; ++number) queue->put(parcel(number, size, handles));
    return attempt{[=] {
                     const parcel got = queue->get();
                     BOOST_TEST(got.number == 1U);
                   },
                   [=](bool done) {
                     parcel got = *queue->get_for(patience);
                     if (!done && got.number == 1) {
                       check_parcel(got, 1);
                       got = *queue->get_for(patience);
                     }
                     check_parcel(got, 2);
                     BOOST_TEST(got.handles.size() == handles);
                     BOOST_TEST(queue->empty());
                   }};
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queues_refused)

BOOST_AUTO_TEST_CASE(queues_are_made_and_sent_or_it_is_an_exception) {
  make_and_send<queue<parcel>>();
  make_and_send<joinable_queue<parcel>>();
  make_and_send<simple_queue<parcel>>();
}

BOOST_AUTO_TEST_CASE(an_item_is_put_or_it_is_an_exception) {
  put<queue<parcel>>(small, 0);
  put<queue<parcel>>(large, 0);
  put<simple_queue<parcel>>(small, 0);
  put<simple_queue<parcel>>(large, 0);
}

BOOST_AUTO_TEST_CASE(an_item_with_handles_is_put_or_it_is_an_exception) {
  put<queue<parcel>>(small, 2);
  put<queue<parcel>>(small, many);
  put<simple_queue<parcel>>(small, 2);
  put<simple_queue<parcel>>(large, 2);
  put<simple_queue<parcel>>(small, many);
}

BOOST_AUTO_TEST_CASE(an_item_is_taken_or_it_is_an_exception) {
  get<queue<parcel>>(small, 0);
  get<queue<parcel>>(large, 0);
  get<simple_queue<parcel>>(small, 0);
  get<simple_queue<parcel>>(large, 0);
}

BOOST_AUTO_TEST_CASE(an_item_with_handles_is_taken_or_it_is_an_exception) {
  get<queue<parcel>>(small, 2);
  get<queue<parcel>>(small, many);
  get<simple_queue<parcel>>(small, 2);
  get<simple_queue<parcel>>(small, many);
}

// A lease that nobody knows of would keep the queue from ending.
BOOST_AUTO_TEST_CASE(an_item_is_taken_under_a_lease_or_it_is_an_exception_and_there_is_no_lease) {
  for (const std::size_t handles : {std::size_t{0}, std::size_t{2}, many}) {
    refuse_each([=] {
      const auto queue = std::make_shared<ferry::queue<parcel>>();
      queue->put(parcel(1, small, handles));
      return attempt{[=] { queue->get_leased().ack(); },
                     [=](bool done) {
                       if (const auto again = queue->try_get()) {
                         BOOST_TEST(!done);
                         check_parcel(*again, 1);
                       }
                       queue->close();
                       BOOST_CHECK_THROW(queue->get(), end_of_stream);
                     }};
    });
    refuse_each([=] {
      const auto queue = std::make_shared<ferry::queue<parcel>>();
      queue->put(parcel(1, small, handles));
      return attempt{[=] { queue->get_leased(); },  // and gives it back
                     [=](bool done) {
                       const auto again = queue->try_get();
                       BOOST_TEST((again || !done));
                       queue->close();
                       BOOST_CHECK_THROW(queue->get(), end_of_stream);
                     }};
    });
  }
}

BOOST_AUTO_TEST_CASE(a_task_is_taken_or_it_is_an_exception_and_join_does_not_wait_for_it) {
  for (const std::size_t handles : {std::size_t{0}, std::size_t{2}, many}) {
    refuse_each([=] {
      const auto tasks = std::make_shared<joinable_queue<parcel>>();
      tasks->put(parcel(1, small, handles));
      const auto taken = std::make_shared<bool>(false);
      return attempt{[=] {
                       tasks->get();
                       *taken = true;
                       tasks->task_done();
                     },
                     [=](bool done) {
                       if (*taken && !done) tasks->task_done();
                       if (const auto again = tasks->try_get()) {
                         BOOST_TEST(!*taken);
                         tasks->task_done();
                       }
                       BOOST_TEST(tasks->join_for(patience));
                     }};
    });
  }
}

BOOST_AUTO_TEST_CASE(a_queue_is_watched_and_closed_with_nothing_left) {
  refuse_each([] {
    const auto queue = std::make_shared<ferry::queue<parcel>>();
    const auto what = std::make_shared<parcel>(1, small, 1);
    return attempt{[=] {
                     queue->put(*what);
                     queue->native_handle();
                     queue->close(closing::discard);
                   },
                   [=](bool) {
                     queue->native_handle();
                     queue->close(closing::discard);
                     BOOST_TEST(is_ready(*queue));
                     BOOST_CHECK_THROW(queue->get(), end_of_stream);
                   }};
  });
}

BOOST_AUTO_TEST_SUITE_END()
