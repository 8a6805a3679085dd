// SPDX-License-Identifier: BSL-1.0
// Locks, semaphores and the like, and shared memory, when the system or the heap has nothing left at any one
// moment of what they do.
#include <ferry/archive.hpp>
#include <ferry/arena.hpp>
#include <ferry/barrier.hpp>
#include <ferry/condition_variable.hpp>
#include <ferry/event.hpp>
#include <ferry/mutex.hpp>
#include <ferry/named_semaphore.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_array.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/shared_value.hpp>

#include "faults/refusals.hpp"
#include "support/crossing.hpp"
#include "support/lock_cases.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

template <class T>
T crossed(const T& value) {
  return loads<T>(dumps(value, any_time), any_time);
}

/// It is made or there is an exception; and what was made is sent, and received, or there is an exception.
/// @param make  returns a new one
template <class Make>
void make_and_send(Make make) {
  using object = decltype(make());
  BOOST_TEST(refuse_each([=] {
               return attempt{[=] { const object made = make(); }, [=](bool) { const object made = make(); }};
             }) > 0U);
  BOOST_TEST(refuse_each([=] {
               const auto sent = std::make_shared<const object>(make());
               return attempt{[=] { const object arrived = crossed(*sent); },
                              [=](bool) { const object arrived = crossed(*sent); }};
             }) > 0U);
}

/// An operation on one object, after which the same is done with nothing refused.
/// @param use  throws when the object is not as it should be
template <class Object, class Use>
void use_again(const Object& object, Use use) {
  refuse_each([&] { return attempt{[&] { use(object); }, [&](bool) { use(object); }}; });
}

void require(bool holds) {
  if (!holds) throw std::logic_error("the object is not as it should be");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(synchronisation_refused)

BOOST_AUTO_TEST_CASE(objects_are_made_and_sent_or_it_is_an_exception) {
  make_and_send([] { return mutex(); });
  make_and_send([] { return recursive_mutex(); });
  make_and_send([] { return condition_variable(); });
  make_and_send([] { return once_flag(); });
  make_and_send([] { return event(); });
  make_and_send([] { return barrier(2); });
  make_and_send([] { return semaphore(1); });
  make_and_send([] { return semaphore::owned(3); });
  make_and_send([] { return bounded_semaphore(1); });
  make_and_send([] { return shared_value<int>(1); });
  make_and_send([] { return shared_array<int>(100); });
  make_and_send([] { return shared_memory(100); });
}

BOOST_AUTO_TEST_CASE(objects_in_an_arena_are_made_and_sent_or_it_is_an_exception) {
  make_and_send([] { return mutex(arena(1000)); });
  make_and_send([] { return barrier(arena(2000), 2); });
  make_and_send([] { return semaphore::owned(arena(1000), 3); });
}

// What is left of a name would be found by the next one.
BOOST_AUTO_TEST_CASE(objects_with_names_are_made_and_sent_or_it_is_an_exception_and_no_name_is_left) {
  const std::string name = "/ferry_refused_" + std::to_string(::getpid());
  make_and_send([=] { return named_semaphore::create(1, name); });
  make_and_send([=] { return shared_memory::create_named(100, name.substr(1)); });
}

BOOST_AUTO_TEST_CASE(objects_are_used_with_nothing_left) {
  use_again(mutex(), [](const mutex& lock) { const std::lock_guard held(lock); });
  use_again(recursive_mutex(), [](const recursive_mutex& lock) { const std::scoped_lock held(lock, lock); });
  use_again(condition_variable(), [](const condition_variable& changed) {
    const mutex lock;
    std::unique_lock held(lock);
    require(changed.wait_for(held, 1ms) == std::cv_status::timeout);
    require(held.owns_lock());
    changed.notify_all();
    require(changed.waiting() == 0);
  });
  use_again(once_flag(), [](const once_flag& flag) { call_once(flag, [] {}); });
  use_again(event(), [](const event& signal) {
    require(!signal.wait_for(1ms));
    signal.set();
    require(signal.wait_for(0ms));
    signal.clear();
  });
  use_again(barrier(1), [](const barrier<>& alone) { require(alone.wait() == 0); });
  use_again(semaphore::owned(1), [](const semaphore& permits) {
    permits.acquire();
    const std::size_t holders = [&] {
      try {
        return permits.holders().size();
      } catch (...) {
        permits.release();
        throw;
      }
    }();
    permits.release();
    require(holders == 1);
  });
  use_again(bounded_semaphore(1), [](const bounded_semaphore& permits) {
    permits.acquire();
    require(!permits.try_acquire_for(1ms));
    permits.release();
    require(permits.value() == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_in_vain_leaves_the_barrier_broken_for_all_whatever_is_refused) {
  refuse_each([] {
    const barrier two(2);
    return attempt{[=] { two.wait_for(1ms); },
                   [=](bool) {
                     two.reset();
                     const std::jthread other([&] { two.wait_for(patience); });
                     two.wait_for(patience);
                   }};
  });
}

// The exception that tells of the death is made with the lock held.
BOOST_AUTO_TEST_CASE(a_lock_of_the_dead_goes_on_to_the_next_whatever_is_refused) {
  refuse_each([] {
    const mutex lock;
    die_holding(lock);
    return attempt{[=] { lock.lock(); },
                   [=](bool) {
                     const lock_result next = lock.try_lock();
                     BOOST_TEST((next == lock_result::owner_died));
                     lock.make_consistent();
                     lock.unlock();
                     BOOST_TEST((lock.try_lock() == lock_result::acquired));
                     lock.unlock();
                   }};
  });
}

BOOST_AUTO_TEST_SUITE_END()
