// SPDX-License-Identifier: BSL-1.0
// The eventcount under the synchronisation objects: who sleeps on it, who is woken, and what that costs.
#include "sync/eventcount.hpp"

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <linux/futex.h>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;
using ferry::detail::eventcount;

namespace {

/// What goes on below, in place of the system's call while an object of this lives.
struct watched_futex {
  static inline std::atomic<int> sleeps, refusals, wakes, overslept;
  static inline std::atomic<std::int64_t> end;  // in nanoseconds; 0: never

  using call = long (*)(std::uint32_t*, int, std::uint32_t, const timespec*, std::uint32_t*, std::uint32_t);

  explicit watched_futex(call replacement) : fault(&os::system_calls::futex, replacement) {
    sleeps = refusals = wakes = overslept = 0;
    end = 0;
  }
  scoped_system_call<call> fault;

  static bool is_wait(int operation) { return (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET; }
  static long real(std::uint32_t* word, int operation, std::uint32_t value, const timespec* until,
                   std::uint32_t* other, std::uint32_t bits) {
    static const os::system_calls untouched;
    return untouched.futex(word, operation, value, until, other, bits);
  }
  /// Counts, and lets nobody sleep.
  static long count(std::uint32_t* word, int operation, std::uint32_t value, const timespec* until,
                    std::uint32_t*, std::uint32_t) {
    if (!is_wait(operation)) {
      ++wakes;
      return 0;
    }
    ++(std::atomic_ref(*word).load() == value ? sleeps : refusals);
    end = until == nullptr ? 0 : std::chrono::nanoseconds(1s).count() * until->tv_sec + until->tv_nsec;
    errno = EAGAIN;
    return -1;
  }
  /// Sleeps without a heartbeat, which would hide that a wake-up is lost.
  static long without_heartbeat(std::uint32_t* word, int operation, std::uint32_t value, const timespec*,
                                std::uint32_t* other, std::uint32_t bits) {
    if (!is_wait(operation)) return real(word, operation, value, nullptr, other, bits);
    ++sleeps;
    timespec much_later{};
    ::clock_gettime(CLOCK_MONOTONIC, &much_later);
    much_later.tv_sec += patience.count();
    const long result = real(word, operation, value, &much_later, other, bits);
    if (result != 0 && errno == ETIMEDOUT) ++overslept;
    return result;
  }
  /// The same, and every third sleep ends at once, for no reason.
  static long with_early_returns(std::uint32_t* word, int operation, std::uint32_t value,
                                 const timespec* until, std::uint32_t* other, std::uint32_t bits) {
    static std::atomic<int> calls;
    if (!is_wait(operation) || ++calls % 3 != 0)
      return without_heartbeat(word, operation, value, until, other, bits);
    errno = EINTR;
    return -1;
  }
};

/// Tokens that threads take, and wait for.
struct tokens {
  eventcount changed;
  std::atomic<int> left = 0;

  bool try_take() {
    int seen = left.load();
    while (seen > 0)
      if (left.compare_exchange_weak(seen, seen - 1)) return true;
    return false;
  }
  void take() {
    bool prepared = false;
    while (!try_take()) {
      const std::uint32_t key = changed.prepare_wait();
      prepared = true;
      if (try_take()) break;
      changed.wait(key, deadline::never());
    }
    if (prepared) changed.leave([&] { return left.load() > 0; });
  }
  void give() {
    ++left;
    changed.notify(1);
  }
};

/// So many threads give and take one token after another, of which there are never more than two: all of them
/// have to wait for others most of the time. @returns how many are left in the end
int hammer(int givers, int takers, int each_taker) {
  tokens given, room;
  room.left = 2;
  std::vector<std::thread> threads;
  for (int i = 0; i < takers; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < each_taker; ++k) {
        given.take();
        room.give();
      }
    });
  for (int i = 0; i < givers; ++i)
    threads.emplace_back([&, from = i] {
      for (int k = from; k < takers * each_taker; k += givers) {
        room.take();
        given.give();
      }
    });
  for (auto& thread : threads) thread.join();
  return given.left;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eventcounts)

BOOST_AUTO_TEST_CASE(a_wait_ends_at_its_deadline_and_at_the_latest_after_a_heartbeat) {
  const watched_futex watch(&watched_futex::count);
  eventcount changed;
  const auto now = [] { return std::chrono::nanoseconds(deadline::clock::now().time_since_epoch()).count(); };
  const std::int64_t beat = std::chrono::nanoseconds(os::heartbeat).count();
  const std::uint32_t key = changed.prepare_wait();
  for (const deadline until : {deadline::never(), deadline::after(1h)}) {
    const std::int64_t before = now();
    changed.wait(key, until);
    BOOST_TEST(watched_futex::end >= before);
    BOOST_TEST(watched_futex::end <= now() + beat);
  }
  const std::int64_t before = now();
  changed.wait(key, deadline::after(1ms));
  BOOST_TEST(watched_futex::end >= before);
  BOOST_TEST(watched_futex::end < before + beat);
  BOOST_TEST(watched_futex::sleeps == 3);
}

BOOST_AUTO_TEST_CASE(a_notification_after_preparing_lets_nobody_sleep) {
  const watched_futex watch(&watched_futex::count);
  eventcount changed;
  for (const bool all : {false, true}) {
    const std::uint32_t key = changed.prepare_wait();
    all ? changed.notify_all() : changed.notify(1);
    changed.wait(key, deadline::never());
  }
  BOOST_TEST(watched_futex::refusals == 2);
  BOOST_TEST(watched_futex::sleeps == 0);
}

BOOST_AUTO_TEST_CASE(a_notification_that_nobody_waits_for_makes_no_system_call) {
  const watched_futex watch(&watched_futex::count);
  eventcount changed;
  changed.notify(1);
  changed.notify_all();
  BOOST_TEST(watched_futex::wakes == 0);
}

BOOST_AUTO_TEST_CASE(a_sleeper_that_is_gone_costs_one_superfluous_call) {
  const watched_futex watch(&watched_futex::count);
  eventcount changed;
  for (int round = 1; round <= 2; ++round) {
    changed.prepare_wait();
    for (int i = 0; i < 3; ++i) changed.notify(1);
    changed.notify_all();
    BOOST_TEST(watched_futex::wakes == round);
  }
}

BOOST_AUTO_TEST_CASE(one_that_leaves_passes_on_what_there_is_for_others) {
  const watched_futex watch(&watched_futex::count);
  eventcount changed;
  changed.prepare_wait();
  changed.leave([] { return false; });
  BOOST_TEST(watched_futex::wakes == 0);
  changed.leave([] { return true; });
  BOOST_TEST(watched_futex::wakes == 1);
  // Others may sleep still, for all that it knows.
  changed.prepare_wait();
  changed.leave([] { return false; });
  changed.notify(1);
  BOOST_TEST(watched_futex::wakes == 2);
}

BOOST_AUTO_TEST_CASE(preparing_twice_gives_the_same_key_until_a_notification) {
  eventcount changed;
  const std::uint32_t key = changed.prepare_wait();
  BOOST_TEST(changed.prepare_wait() == key);
  changed.notify(1);
  BOOST_TEST(changed.prepare_wait() != key);
}

BOOST_AUTO_TEST_CASE(all_sleepers_are_woken_by_one_who_notifies_all) {
  const watched_futex watch(&watched_futex::without_heartbeat);
  eventcount changed;
  std::atomic<bool> open = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!open) {
        const std::uint32_t key = changed.prepare_wait();
        if (open) break;
        changed.wait(key, deadline::never());
      }
    });
  open = true;
  changed.notify_all();
  for (auto& thread : threads) thread.join();
  BOOST_TEST(watched_futex::overslept == 0);
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_however_many_give_and_take) {
  const watched_futex watch(&watched_futex::without_heartbeat);
  BOOST_TEST(hammer(1, 1, 10'000) == 0);
  BOOST_TEST(hammer(2, 3, 5'000) == 0);
  BOOST_TEST(hammer(3, 2, 5'000) == 0);
  BOOST_TEST(watched_futex::overslept == 0);
  BOOST_TEST_MESSAGE("so often a thread went to sleep: " << watched_futex::sleeps);
}

BOOST_AUTO_TEST_CASE(a_sleep_that_ends_for_no_reason_costs_no_wake_up) {
  const watched_futex watch(&watched_futex::with_early_returns);
  BOOST_TEST(hammer(2, 3, 5'000) == 0);
  BOOST_TEST(watched_futex::overslept == 0);
}

BOOST_AUTO_TEST_CASE(a_sleeper_in_another_process_is_woken) {
  void* const memory =
      ::mmap(nullptr, sizeof(tokens), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(memory != MAP_FAILED);
  auto* const shared = ::new (memory) tokens;
  const watched_futex watch(&watched_futex::without_heartbeat);
  forked_child taker([&] {
    for (int i = 0; i < 1000; ++i) shared->take();
    return watched_futex::overslept == 0 ? 0 : 1;
  });
  for (int i = 0; i < 1000; ++i) shared->give();
  BOOST_TEST(taker.wait() == 0);
  BOOST_TEST(shared->left == 0);
  ::munmap(memory, sizeof(tokens));
}

BOOST_AUTO_TEST_SUITE_END()
