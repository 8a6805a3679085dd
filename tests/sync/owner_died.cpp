// SPDX-License-Identifier: BSL-1.0
// A lock whose owner was killed: who is told, who holds it, and until when.
#include <ferry/archive.hpp>
#include <ferry/mutex.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/lock_cases.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <exception>
#include <future>
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

using both = boost::mpl::list<mutex, recursive_mutex>;

template <class Lock>
bool is_free(const Lock& lock) {
  return std::async(std::launch::async,
                    [&] {
                      const lock_result got = lock.try_lock_for(0s);
                      if (got) lock.unlock();
                      return static_cast<bool>(got);
                    })
      .get();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(owner_died_tests)

// known failure 2: a process killed inside a lock leaves it locked for ever
BOOST_AUTO_TEST_CASE_TEMPLATE(the_next_owner_is_told_who_died_and_holds_the_lock_if_it_keeps_it, Lock, both) {
  const Lock lock;
  const pid_t dead = die_holding(lock);
  BOOST_TEST(!lock.is_locked());
  try {
    lock.lock();
    BOOST_ERROR("nothing was thrown");
  } catch (const owner_died& died) {
    BOOST_TEST(died.pid() == dead);
    BOOST_TEST(std::string(died.what()).find("process " + std::to_string(dead)) == 0U);
    BOOST_TEST(!lock.is_consistent());
    lock.make_consistent();
    died.keep();
  }
  BOOST_TEST(lock.is_consistent());
  BOOST_TEST(!is_free(lock));
  lock.unlock();
  lock.lock();
  lock.unlock();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_death_that_nobody_takes_care_of_is_told_to_each_who_locks, Lock, both) {
  const Lock lock;
  const pid_t dead = die_holding(lock);
  const auto names_the_dead = [&](const owner_died& died) { return died.pid() == dead; };
  for (int i = 0; i < 3; ++i) {
    BOOST_CHECK_EXCEPTION(const std::lock_guard guard(lock), owner_died, names_the_dead);
    BOOST_TEST(is_free(lock));
  }
  BOOST_TEST(fork_child([&] {
               try {
                 lock.lock();
                 return 1;
               } catch (const owner_died& died) {
                 return names_the_dead(died) ? 0 : 2;
               }
             }) == 0);
  // One who was told dies as well: the first is named, whose work it was.
  die_of_keeping(lock);
  BOOST_CHECK_EXCEPTION(lock.lock(), owner_died, names_the_dead);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thread_that_tries_the_lock_is_told_of_the_death_without_an_exception, Lock,
                              both) {
  const Lock lock;
  die_holding(lock);
  for (const auto attempt : {0, 1, 2}) {
    const lock_result got = attempt == 0   ? lock.try_lock()
                            : attempt == 1 ? lock.try_lock_for(patience)
                                           : lock.try_lock_until(deadline::never());
    BOOST_TEST((got == lock_result::owner_died));
    BOOST_TEST(static_cast<bool>(got));
    BOOST_TEST(!is_free(lock));
    lock.unlock();
  }
  Lock copy = lock;
  const std::unique_lock trying(copy, std::try_to_lock);
  BOOST_TEST(trying.owns_lock());
  copy.make_consistent();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(copies_of_the_exception_hold_the_lock_together, Lock, both) {
  const Lock lock;
  die_holding(lock);
  std::exception_ptr stored;
  try {
    lock.lock();
  } catch (...) {
    stored = std::current_exception();
  }
  BOOST_TEST(!is_free(lock));
  {
    const auto copy = [&] {
      try {
        std::rethrow_exception(stored);
      } catch (const owner_died& died) {
        return died;
      }
    }();
    stored = nullptr;
    BOOST_TEST(!is_free(lock));
  }
  BOOST_TEST(is_free(lock));
}

BOOST_AUTO_TEST_CASE(an_exception_that_goes_in_another_thread_leaves_the_lock_until_its_own_has_ended) {
  const mutex lock;
  die_holding(lock);
  std::promise<std::exception_ptr> thrown;
  std::promise<void> over;
  std::thread owner([&] {
    try {
      lock.lock();
    } catch (...) {
      thrown.set_value(std::current_exception());
    }
    over.get_future().wait();
  });
  std::exception_ptr got = thrown.get_future().get();
  got = nullptr;
  over.set_value();
  owner.join();
  BOOST_TEST((lock.try_lock_for(patience) == lock_result::owner_died));
  lock.make_consistent();
  lock.unlock();
}

BOOST_AUTO_TEST_CASE(an_exception_from_another_process_holds_no_lock) {
  const owner_died died(7);
  died.keep();
  BOOST_TEST(died.pid() == 7);
}

BOOST_AUTO_TEST_CASE(a_recursive_lock_that_is_being_repaired_may_be_locked_again) {
  const recursive_mutex lock;
  die_holding(lock);
  BOOST_TEST((lock.try_lock() == lock_result::owner_died));
  lock.lock();
  lock.make_consistent();
  lock.unlock();
  BOOST_TEST(!is_free(lock));
  lock.unlock();
  BOOST_TEST(is_free(lock));
}

BOOST_AUTO_TEST_CASE(a_thread_that_ends_with_a_lock_counts_as_dead_too) {
  const mutex lock;
  std::thread([&] { lock.lock(); }).join();
  BOOST_CHECK_EXCEPTION(lock.lock(), owner_died,
                        [](const owner_died& died) { return died.pid() == ::getpid(); });
}

BOOST_AUTO_TEST_CASE(a_waiting_thread_is_woken_by_the_death_of_the_owner) {
  const mutex lock;
  forked_child owner([&] {
    lock.lock();
    return ::pause();
  });
  while (lock.owner() == 0) std::this_thread::yield();  // inside, not only on its way in
  auto waiting = std::async(std::launch::async, [&] { BOOST_CHECK_THROW(lock.lock(), owner_died); });
  owner.signal(SIGKILL);
  owner.wait();
  waiting.get();
}

// The kernel goes through the list of a thread's locks when it ends: none of them may have been unmapped.
BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_copy_of_a_held_lock_may_be_dropped, Lock, both) {
  std::optional<message> sent;
  std::thread([&] {
    const arena room(4096);
    auto held = std::make_unique<Lock>(room), next = std::make_unique<Lock>(room);
    next->lock();
    held->lock();
    sent = dumps(*held, any_time);
    held.reset();
    next.reset();
  }).join();
  const auto arrived = loads<Lock>(std::move(*sent));
  BOOST_TEST((arrived.try_lock() == lock_result::owner_died));
  arrived.make_consistent();
  arrived.unlock();
}

BOOST_AUTO_TEST_CASE(a_held_lock_that_arrives_again_is_where_it_was) {
  auto first = std::make_unique<mutex>();
  first->lock();
  message sent = dumps(*first, any_time);
  first.reset();
  const auto again = loads<mutex>(std::move(sent));
  BOOST_TEST(again.owner() == ::getpid());
  again.unlock();
}

BOOST_AUTO_TEST_SUITE_END()
