// SPDX-License-Identifier: BSL-1.0
// Locks and semaphores beside the bare ones of the C library: alone, and handed to and fro.
#include <ferry/mutex.hpp>
#include <ferry/semaphore.hpp>

#include "support/contest.hpp"
#include "support/crew.hpp"
#include "support/report.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <vector>

namespace {

constexpr int runs = 9;
constexpr std::size_t alone = 1'000'000, contended = 200'000, handoffs = 20'000;

class bare_mutex {
 public:
  bare_mutex() {
    pthread_mutexattr_t kind;
    ::pthread_mutexattr_init(&kind);
    ::pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    if (::pthread_mutex_init(&mutex_, &kind) != 0) bench::fail("pthread_mutex_init");
    ::pthread_mutexattr_destroy(&kind);
  }
  ~bare_mutex() { ::pthread_mutex_destroy(&mutex_); }
  bare_mutex(const bare_mutex&) = delete;
  bare_mutex& operator=(const bare_mutex&) = delete;
  void lock() {
    if (::pthread_mutex_lock(&mutex_) != 0) bench::fail("pthread_mutex_lock");
  }
  void unlock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

class bare_semaphore {
 public:
  explicit bare_semaphore(unsigned value) { ::sem_init(&semaphore_, 1, value); }
  ~bare_semaphore() { ::sem_destroy(&semaphore_); }
  bare_semaphore(const bare_semaphore&) = delete;
  bare_semaphore& operator=(const bare_semaphore&) = delete;
  void acquire() {
    while (::sem_wait(&semaphore_) != 0) {
    }
  }
  void release() { ::sem_post(&semaphore_); }

 private:
  sem_t semaphore_;
};

template <class Lock>
void lock_again_and_again(Lock& lock, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    lock.lock();
    lock.unlock();
  }
}

/// Two processes that want the same lock all the time.
template <class Lock>
void compete(Lock& lock) {
  bench::crew both;
  for (int i = 0; i < 2; ++i) both.add([&] { lock_again_and_again(lock, contended / 2); });
  both.wait();
}

/// One process wakes the other and waits for its turn.
template <class Semaphore>
void hand_over(Semaphore& ping, Semaphore& pong) {
  bench::crew other;
  other.add([&] {
    for (std::size_t i = 0; i < handoffs / 2; ++i) {
      ping.acquire();
      pong.release();
    }
  });
  for (std::size_t i = 0; i < handoffs / 2; ++i) {
    ping.release();
    pong.acquire();
  }
  other.wait();
}

void compare(const char* what, const char* unit, double factor, std::vector<bench::contestant> all) {
  bench::measure_in_turn(all, runs);
  const double ferry = all.front().median() * factor;
  for (std::size_t i = 1; i < all.size(); ++i) {
    bench::row("sync", what, unit, ferry, all[i].name, all[i].median() * factor);
  }
}

}  // namespace

int main() {
  ferry::mutex lock;
  ferry::recursive_mutex recursive;
  bench::shared<bare_mutex> bare_lock;
  constexpr double nanoseconds = 1e9, microseconds = 1e6;
  compare("lock and unlock, uncontended", "ns", nanoseconds,
          {{"ferry", [&] { lock_again_and_again(lock, alone); }, alone},
           {"bare robust mutex", [&] { lock_again_and_again(*bare_lock, alone); }, alone}});
  compare("lock and unlock, recursive mutex, uncontended", "ns", nanoseconds,
          {{"ferry", [&] { lock_again_and_again(recursive, alone); }, alone},
           {"bare robust mutex", [&] { lock_again_and_again(*bare_lock, alone); }, alone}});
  compare("lock and unlock, two processes at once", "ns", nanoseconds,
          {{"ferry", [&] { compete(lock); }, contended},
           {"bare robust mutex", [&] { compete(*bare_lock); }, contended}});

  ferry::semaphore permit(1), ping(0), pong(0);
  bench::shared<bare_semaphore> bare_permit(1U), bare_ping(0U), bare_pong(0U);
  const auto take_and_give = [](auto& semaphore) {
    for (std::size_t i = 0; i < alone; ++i) {
      semaphore.acquire();
      semaphore.release();
    }
  };
  compare("acquire and release, uncontended", "ns", nanoseconds,
          {{"ferry", [&] { take_and_give(permit); }, alone},
           {"sem_t", [&] { take_and_give(*bare_permit); }, alone}});
  compare("handoff by semaphores", "µs", microseconds,
          {{"ferry", [&] { hand_over(ping, pong); }, handoffs},
           {"sem_t", [&] { hand_over(*bare_ping, *bare_pong); }, handoffs}});
}
