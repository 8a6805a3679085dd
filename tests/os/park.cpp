// SPDX-License-Identifier: BSL-1.0
// Sleeping on a word of shared memory.
#include "os/park.hpp"

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/time.h>
#include <thread>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// A word that forked children share.
class shared_word {
 public:
  shared_word()
      : memory_(::mmap(nullptr, sizeof(os::park_word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                       0)) {
    BOOST_REQUIRE(memory_ != MAP_FAILED);
    ::new (memory_) os::park_word(0);
  }
  ~shared_word() { ::munmap(memory_, sizeof(os::park_word)); }
  shared_word(const shared_word&) = delete;
  shared_word& operator=(const shared_word&) = delete;

  os::park_word& operator*() const { return *std::launder(static_cast<os::park_word*>(memory_)); }

 private:
  void* memory_;
};

/// Wakes until somebody was there to be woken.
void wake_one(const os::park_word& word) {
  for (const deadline until = deadline::after(patience); os::unpark(word, 1) == 0; std::this_thread::yield())
    if (until.expired()) throw std::runtime_error("nobody slept");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parking)

BOOST_AUTO_TEST_CASE(a_thread_that_expects_another_value_does_not_sleep) {
  const os::park_word word(1);
  BOOST_TEST(!os::park(word, 0, deadline::never()));
}

BOOST_AUTO_TEST_CASE(a_thread_sleeps_until_its_deadline_and_never_after_it) {
  const os::park_word word(0);
  BOOST_TEST(!os::park(word, 0, deadline::immediately()));
  BOOST_TEST(!os::park(word, 0, deadline(deadline::clock::now() - 1s)));
  const auto begin = deadline::clock::now();
  BOOST_TEST(!os::park(word, 0, deadline::after(5ms)));
  BOOST_CHECK(deadline::clock::now() - begin >= 5ms);
}

BOOST_AUTO_TEST_CASE(a_word_without_sleepers_wakes_no_thread) {
  const os::park_word word(0);
  BOOST_TEST(os::unpark(word, 1) == 0);
  BOOST_TEST(os::unpark_all(word) == 0);
}

BOOST_AUTO_TEST_CASE(a_sleeper_in_another_process_is_woken_through_shared_memory) {
  const shared_word word;
  forked_child sleeper([&] { return os::park(*word, 0, deadline::never()) ? 0 : 1; });
  wake_one(*word);
  BOOST_TEST(sleeper.wait() == 0);
}

BOOST_AUTO_TEST_CASE(sleepers_killed_in_their_sleep_are_not_woken) {
  const shared_word word;
  forked_child killed([&] { return os::park(*word, 0, deadline::never()) ? 0 : 1; });
  wake_one(*word);
  BOOST_TEST(killed.wait() == 0);
  forked_child asleep([&] {
    for (;;) os::park(*word, 0, deadline::never());
    return 0;
  });
  wake_one(*word);
  asleep.signal(SIGKILL);
  BOOST_TEST(asleep.wait() == -SIGKILL);
  BOOST_TEST(os::unpark_all(*word) == 0);
}

BOOST_AUTO_TEST_CASE(a_signal_ends_the_sleep_early) {
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = [](int) {};
  BOOST_REQUIRE(::sigaction(SIGALRM, &ignore, &before) == 0);
  const itimerval often{{0, 1000}, {0, 1000}}, never{};
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  const os::park_word word(0);
  BOOST_TEST(!os::park(word, 0, deadline::never()));
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
  BOOST_REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(a_call_that_fails_is_an_early_return) {
  const scoped_system_call failing(
      &os::system_calls::futex,
      [](std::uint32_t*, int, std::uint32_t, const timespec*, std::uint32_t*, std::uint32_t) {
        errno = EINTR;
        return -1L;
      });
  const os::park_word word(0);
  BOOST_TEST(!os::park(word, 0, deadline::never()));
  BOOST_TEST(os::unpark(word, 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_heartbeat_is_never_longer_than_the_wait_nor_than_itself) {
  BOOST_TEST(os::next_heartbeat(deadline::immediately()).is_immediate());
  BOOST_CHECK(os::next_heartbeat(deadline::never()).remaining() <= os::heartbeat);
  BOOST_CHECK(os::next_heartbeat(deadline::after(1ms)).remaining() <= 1ms);
  BOOST_CHECK(os::next_heartbeat(deadline::after(1h)).remaining() <= os::heartbeat);
}

BOOST_AUTO_TEST_CASE(spinning_ends_when_it_paid_and_is_given_up_when_it_did_not) {
  os::adaptive_spin spin;
  int looks = 0;
  BOOST_TEST(!spin([&] { return ++looks, false; }));
  const int at_first = looks;
  for (int i = 0; i < 20; ++i) spin([] { return false; });
  looks = 0;
  BOOST_TEST(!spin([&] { return ++looks, false; }));
  if (os::usable_processors() == 1) {
    BOOST_TEST(at_first == 0);
  } else {
    BOOST_TEST(looks > 0);
    BOOST_TEST(looks < at_first);
    BOOST_TEST(spin([] { return true; }));
  }
}

BOOST_AUTO_TEST_SUITE_END()
