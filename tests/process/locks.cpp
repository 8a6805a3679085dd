// SPDX-License-Identifier: BSL-1.0
// Locks among the arguments of processes, by each start method, and to processes that run already.
#include <ferry/condition_variable.hpp>
#include <ferry/mutex.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/shared_array.hpp>
#include <ferry/shared_value.hpp>

#include "process/support.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <csignal>
#include <mutex>
#include <utility>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// A value with its lock: an aggregate of both crosses as it is, and the lock may be of several values.
struct account {
  recursive_mutex guard;
  shared_value<long> balance;
  shared_array<long> history;
  once_flag opened;
};

void deposit(const account& to, int times) {
  for (int i = 0; i < times; ++i) {
    const std::lock_guard lock(to.guard);
    call_once(to.opened, [&] { *to.balance = 100; });
    *to.balance += 1;
    to.history[0] += 1;
  }
}

template <class Lock>
void hold_locked(const Lock& lock, connection line) {
  lock.lock();
  tell(line, 1);
  wait_for_end(std::move(line));
  lock.unlock();
}
void hold_mutex(const mutex& lock, connection line) {
  hold_locked(lock, std::move(line));
}
void hold_recursive(const recursive_mutex& lock, connection line) {
  hold_locked(lock, std::move(line));
}

void count_up(const mutex& guard, const condition_variable& changed, const shared_value<int>& level) {
  for (int i = 0; i < 4; ++i) {
    const std::lock_guard lock(guard);
    *level += 1;
    changed.notify_one();
  }
}

/// Waits for 4, in another process.
void wait_for_four(const mutex& guard, const condition_variable& changed, const shared_value<int>& level) {
  std::unique_lock lock(guard);
  if (!changed.wait_for(lock, patience, [&] { return *level == 4; })) throw error("it never came to 4");
}

void receive_and_lock(connection line) {
  const auto [lock, count] = hear<std::pair<mutex, shared_value<int>>>(line);
  const std::lock_guard hold(lock);
  *count += 1;
}

void keep_and_die(const mutex& lock) {
  lock.lock();
  ::raise(SIGKILL);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(locks_of_processes, no_forkserver_left)

// known failure 24: a running process is given a lock only when that is asked for, and then it can be
BOOST_DATA_TEST_CASE(a_running_process_is_given_a_lock_when_asked_to, every_start_method, method) {
  const mutex lock;
  const shared_value<int> count(0);
  auto [here, there] = pipe();
  process child(by(method), fn<&receive_and_lock>, std::move(there));
  BOOST_CHECK_THROW(here.send(std::pair(lock, count)), spawning_error);
  here.options().mode = transfer::duplicate;
  here.send(std::pair(lock, count));
  child.join(rethrow);
  BOOST_TEST(*count == 1);
  BOOST_TEST(lock.is_consistent());
}

// conformance: _TestLock.test_lock_locked_2processes
BOOST_DATA_TEST_CASE(a_lock_that_a_child_holds_is_locked_here_too, every_start_method, method) {
  for (const transfer mode : {transfer::inherit, transfer::duplicate}) {
    const mutex lock;
    auto [here, there] = pipe();
    process_options options = by(method);
    options.context->mode = mode;
    process child(options, fn<&hold_mutex>, lock, std::move(there));
    BOOST_TEST(hear<int>(here) == 1);
    BOOST_TEST(lock.is_locked());
    BOOST_TEST(lock.owner() == child.pid());
    BOOST_TEST(!lock.try_lock());
    here.close();
    child.join(rethrow);
    BOOST_TEST(!lock.is_locked());
  }
}

// conformance: _TestLock.test_rlock_locked_2processes
BOOST_DATA_TEST_CASE(a_recursive_lock_that_a_child_holds_is_locked_here_too, every_start_method, method) {
  const recursive_mutex lock;
  auto [here, there] = pipe();
  process child(by(method), fn<&hold_recursive>, lock, std::move(there));
  BOOST_TEST(hear<int>(here) == 1);
  BOOST_TEST(lock.is_locked());
  BOOST_TEST(!lock.try_lock_for(1ms));
  here.close();
  child.join(rethrow);
  BOOST_TEST(!lock.is_locked());
}

// conformance: _TestValue.test_getobj_getlock, _TestArray.test_getobj_getlock_obj
// conformance: _TestSharedCTypes.test_synchronize
BOOST_DATA_TEST_CASE(values_cross_together_with_their_lock, every_start_method, method) {
  const account joint{{}, shared_value<long>(0), shared_array<long>(1), {}};
  {
    process first(by(method), fn<&deposit>, joint, 1000), second(by(method), fn<&deposit>, joint, 1000);
    deposit(joint, 1000);
    first.join(rethrow);
    second.join(rethrow);
  }
  BOOST_TEST(*joint.balance == 3100);
  BOOST_TEST(joint.history[0] == 3000);
}

// conformance: _TestCondition.test_waitfor
BOOST_DATA_TEST_CASE(a_child_waits_until_a_value_has_come_up, every_start_method, method) {
  const mutex guard;
  const condition_variable changed;
  const shared_value<int> level(0);
  process waiting(by(method), fn<&wait_for_four>, guard, changed, level);
  process counting(by(method), fn<&count_up>, guard, changed, level);
  wait_for_four(guard, changed, level);
  waiting.join(rethrow);
  counting.join(rethrow);
  BOOST_TEST(waiting.exit_code().value() == 0);
}

// known failure 2: a process killed inside a lock leaves it locked for ever
BOOST_DATA_TEST_CASE(a_lock_of_a_child_that_was_killed_is_free_and_says_so, every_start_method, method) {
  const mutex lock;
  process child(by(method), fn<&keep_and_die>, lock);
  child.join();
  BOOST_CHECK_EXCEPTION(lock.lock(), owner_died,
                        [&](const owner_died& died) { return died.pid() == child.pid(); });
}

BOOST_DATA_TEST_CASE(locks_cross_in_containers, every_start_method, method) {
  const arena room(64 * 2);
  const std::vector<mutex> locks{mutex(room), mutex(room)};
  auto [here, there] = pipe();
  process child(by(method), fn<&hold_mutex>, locks.at(1), std::move(there));
  BOOST_TEST(hear<int>(here) == 1);
  BOOST_TEST(!locks[0].is_locked());
  BOOST_TEST(locks[1].is_locked());
  here.close();
  child.join(rethrow);
}

BOOST_AUTO_TEST_SUITE_END()
