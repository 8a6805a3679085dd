// SPDX-License-Identifier: BSL-1.0
// Locks: what they refuse, what they do among threads and processes, and what becomes of a dead owner.
#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/mutex.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/exceptions.hpp"
#include "support/lock_cases.hpp"
#include "support/system_calls.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <exception>
#include <future>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

using both = boost::mpl::list<mutex, recursive_mutex>;

/// Tries from another thread, since the one that holds a lock may always be told something else.
template <class Lock>
lock_result try_elsewhere(const Lock& lock) {
  return std::async(std::launch::async,
                    [&] {
                      const lock_result got = lock.try_lock();
                      if (got) lock.unlock();
                      return got;
                    })
      .get();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mutexes)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thread_that_does_not_hold_a_lock_cannot_release_it, Lock, both) {
  const Lock lock;
  const auto refused = fails_with(std::errc::operation_not_permitted, "unlock a mutex that this thread");
  BOOST_CHECK_EXCEPTION(lock.unlock(), system_error, refused);
  lock.lock();
  std::async(std::launch::async, [&] { BOOST_CHECK_EXCEPTION(lock.unlock(), system_error, refused); }).get();
  BOOST_TEST(fork_child([&] {
               try {
                 lock.unlock();
                 return 1;
               } catch (const system_error&) {
                 return lock.is_locked() ? 0 : 2;
               }
             }) == 0);
  lock.unlock();
  BOOST_CHECK_EXCEPTION(lock.unlock(), system_error, refused);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thread_that_does_not_hold_a_lock_cannot_call_it_consistent, Lock, both) {
  const Lock lock;
  BOOST_CHECK_EXCEPTION(lock.make_consistent(), system_error,
                        fails_with(std::errc::operation_not_permitted, "make a mutex consistent"));
}

BOOST_AUTO_TEST_CASE(locking_twice_is_an_error_that_names_the_cure) {
  const mutex lock;
  const std::lock_guard hold(lock);
  const auto refused = fails_with(std::errc::resource_deadlock_would_occur, "use a recursive one");
  BOOST_CHECK_EXCEPTION(lock.lock(), system_error, refused);
  BOOST_CHECK_EXCEPTION(static_cast<void>(lock.try_lock_for(1h)), system_error, refused);
  BOOST_TEST(!lock.try_lock());
  BOOST_TEST(!lock.try_lock_for(0s));
}

BOOST_AUTO_TEST_CASE(an_arena_without_room_is_an_error) {
  const arena room(64);
  const mutex fits(room);
  BOOST_CHECK_EXCEPTION(mutex{room}, system_error,
                        fails_with(std::errc::no_space_on_device, "make a larger"));
  BOOST_CHECK_THROW(recursive_mutex{room}, system_error);
}

BOOST_AUTO_TEST_CASE(a_mutex_that_arrives_is_taken_for_nothing_else) {
  const mutex plain;
  const recursive_mutex recursive;
  BOOST_CHECK_THROW(loads<recursive_mutex>(dumps(plain, any_time)), type_mismatch);
  const auto [memory, offset] = reducer<mutex>::reduce(plain);
  const auto none_there = says("no such synchronisation object");
  BOOST_CHECK_EXCEPTION(reducer<recursive_mutex>::rebuild(duplicate(memory), offset), archive_error,
                        none_there);
  BOOST_CHECK_EXCEPTION(reducer<mutex>::rebuild(duplicate(memory), offset + 64), archive_error, none_there);
  BOOST_TEST((reducer<mutex>::rebuild(duplicate(memory), offset) == plain));
}

// known failure 24: the refusal names the way out, and the way out works
BOOST_AUTO_TEST_CASE_TEMPLATE(a_lock_crosses_outside_a_start_only_when_asked_to, Lock, both) {
  const Lock lock;
  BOOST_CHECK_EXCEPTION(dumps(lock), spawning_error, [](const spawning_error& problem) {
    return std::string(problem.what())
               .find(
                   "mutex objects should only be shared between processes through "
                   "inheritance; use transfer::duplicate") != std::string::npos;
  });
  const auto same = loads<Lock>(dumps(lock, {.mode = transfer::duplicate}));
  BOOST_TEST((same == lock));
  same.lock();
  BOOST_TEST(!try_elsewhere(lock));
  lock.unlock();  // through another copy than it was locked through
  BOOST_TEST(try_elsewhere(same));
}

// conformance: _TestLock.test_lock
BOOST_AUTO_TEST_CASE(a_lock_is_taken_once_and_released_once) {
  const mutex lock;
  BOOST_TEST(!lock.is_locked());
  lock.lock();
  BOOST_TEST(lock.is_locked());
  BOOST_TEST(lock.owner() == ::getpid());
  BOOST_TEST(!lock.try_lock());
  BOOST_TEST(!try_elsewhere(lock));
  lock.unlock();
  BOOST_TEST(!lock.is_locked());
  BOOST_TEST(lock.owner() == 0);
  BOOST_CHECK_THROW(lock.unlock(), system_error);
}

// conformance: _TestLock.test_rlock_context
BOOST_AUTO_TEST_CASE(a_recursive_lock_is_free_when_it_was_released_as_often_as_taken) {
  recursive_mutex lock;
  {
    const std::lock_guard once(lock);
    const std::unique_lock twice(lock);
    BOOST_TEST(lock.try_lock());
    BOOST_TEST(lock.try_lock_for(1h));
    BOOST_TEST(!try_elsewhere(lock));
    lock.unlock();
    lock.unlock();
    BOOST_TEST(!try_elsewhere(lock));
  }
  BOOST_TEST(try_elsewhere(lock));
  BOOST_CHECK_THROW(lock.unlock(), system_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_guards_of_the_standard_library_take_it, Lock, both) {
  Lock a, b, c;
  {
    const std::scoped_lock all(a, b, c);
    BOOST_TEST(!try_elsewhere(b));
    BOOST_TEST(std::async(std::launch::async, [&] { return std::try_lock(a, b); }).get() == 0);
  }
  std::unique_lock trying(a, std::try_to_lock), timed(b, 1s), until(c, std::chrono::system_clock::now() + 1s);
  BOOST_TEST((trying && timed && until));
  std::thread([&] {
    BOOST_TEST(!std::unique_lock(a, std::try_to_lock));
    BOOST_TEST(!std::unique_lock(b, 1ms));
    BOOST_TEST(!std::unique_lock(c, std::chrono::steady_clock::now() + 1ms));
    BOOST_TEST(!std::unique_lock(c, std::chrono::system_clock::now() + 1ms));
  }).join();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_waiting_thread_gets_the_lock_when_it_is_released, Lock, both) {
  const Lock lock;
  lock.lock();
  std::promise<void> trying;
  auto waiting = std::async(std::launch::async, [&] {
    trying.set_value();
    const lock_result got = lock.try_lock_for(patience);
    if (got) lock.unlock();
    return got == lock_result::acquired;
  });
  trying.get_future().wait();
  lock.unlock();
  BOOST_TEST(waiting.get());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(threads_and_processes_count_together, Lock, both) {
  Lock lock;
  const shared_value<int> count(0);
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      const std::lock_guard hold(lock);
      *count += 1;
    }
    return 0;
  };
  forked_child first(work), second(work);
  std::thread third(work), fourth(work);
  third.join();
  fourth.join();
  BOOST_TEST(first.wait() == 0);
  BOOST_TEST(second.wait() == 0);
  BOOST_TEST(*count == 80'000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_free_lock_is_taken_and_released_without_a_system_call, Lock, both) {
  const Lock lock;
  lock.lock();  // once: what is found out in each process the first time
  lock.unlock();
  const auto use = [&] {
    for (int i = 0; i < 10; ++i) {
      lock.lock();
      lock.unlock();
      if (lock.try_lock()) lock.unlock();
      if (lock.try_lock_for(1h)) lock.unlock();
    }
  };
  const auto once = [&] {
    lock.lock();
    lock.unlock();
  };
  BOOST_TEST(count_system_calls([&] { once(), use(); }) == count_system_calls(once));
}

BOOST_AUTO_TEST_CASE(the_state_of_a_lock_can_be_read) {
  const auto text = [](const auto& lock) { return (std::ostringstream() << lock).str(); };
  const mutex plain;
  const recursive_mutex recursive;
  BOOST_TEST(text(plain) == "ferry::mutex(free)");
  plain.lock();
  const std::string here =
      "held by thread " + std::to_string(::gettid()) + " of process " + std::to_string(::getpid());
  BOOST_TEST(text(plain) == "ferry::mutex(" + here + ")");
  auto waiting = std::async(std::launch::async, [&] { plain.lock(), plain.unlock(); });
  while (text(plain).find("others wait") == std::string::npos) std::this_thread::yield();
  plain.unlock();
  waiting.get();
  // conformance: _TestLock.test_repr_rlock
  recursive.lock();
  recursive.lock();
  BOOST_TEST(text(recursive) == "ferry::recursive_mutex(" + here + ", 2 times)");
  recursive.unlock();
  recursive.unlock();
  const std::string dead = std::to_string(die_holding(plain));
  BOOST_TEST(plain.try_lock());
  plain.unlock();
  BOOST_TEST(text(plain) == "ferry::mutex(free, left inconsistent by process " + dead + ")");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lock_crosses_a_connection_in_containers, Lock, both) {
  auto [here, there] = pipe();
  here.options().mode = transfer::duplicate;
  const std::map<std::string, std::vector<Lock>> locks{{"a", {Lock(), Lock()}}, {"b", {Lock()}}};
  forked_child other([&, &end = there] {
    const auto got = end.recv<std::map<std::string, std::vector<Lock>>>();
    got.at("a").at(1).lock();
    end.send(1);
    end.recv<int>();
    got.at("a").at(1).unlock();
    return 0;
  });
  here.send(locks);
  BOOST_TEST(here.recv_for<int>(patience).value() == 1);
  BOOST_TEST(!locks.at("a")[1].try_lock());
  BOOST_TEST(locks.at("a")[1].owner() == other.pid());
  BOOST_TEST(try_elsewhere(locks.at("a")[0]));
  here.send(1);
  BOOST_TEST(other.wait() == 0);
  BOOST_TEST(try_elsewhere(locks.at("a")[1]));
}

BOOST_AUTO_TEST_SUITE_END()
