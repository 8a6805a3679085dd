// SPDX-License-Identifier: BSL-1.0
// Permits and parties of processes that do not see each other: without /proc, as other users, in other
// namespaces.
#include "support/seclusion.hpp"

#include <ferry/barrier.hpp>
#include <ferry/error.hpp>
#include <ferry/mutex.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <new>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// A step that forked children have come to.
class shared_step {
 public:
  shared_step()
      : memory_(::mmap(nullptr, sizeof(word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    BOOST_REQUIRE(memory_ != MAP_FAILED);
    ::new (memory_) word(0);
  }
  ~shared_step() { ::munmap(memory_, sizeof(word)); }
  shared_step(const shared_step&) = delete;
  shared_step& operator=(const shared_step&) = delete;

  void reach(int step) const { at() = step; }
  void wait_for(int step) const {
    wait_until([&] { return at() >= step; });
  }

 private:
  using word = std::atomic<int>;
  word& at() const { return *std::launder(static_cast<word*>(memory_)); }
  void* memory_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(secluded_processes)

BOOST_AUTO_TEST_CASE(a_permit_stays_with_a_holder_that_others_cannot_see_and_comes_back_when_it_is_killed) {
  for (const seclusion holding : all_seclusions) {
    if (!allows(holding)) continue;
    const semaphore one = semaphore::owned(1);
    const shared_step step;
    forked_child holder([&] {
      return secluded(holding, [&]() -> int {
        one.acquire();
        step.reach(1);
        for (;;) ::pause();
      });
    });
    step.wait_for(1);
    check_kept_until_killed(holder, holding, [&] {
      if (!one.try_acquire()) return 0;
      one.release();
      return 1;
    });
  }
}

BOOST_AUTO_TEST_CASE(a_permit_of_the_parent_is_not_taken_by_a_child_that_gives_up_its_rights) {
  const semaphore one = semaphore::owned(1);
  one.acquire();
  for (const seclusion asking : all_seclusions)
    if (allows(asking))
      BOOST_TEST(fork_child([&] { return secluded(asking, [&] { return one.try_acquire() ? 1 : 0; }); }) == 0,
                 asking);
  one.release();
  BOOST_TEST(one.value() == 1);
}

BOOST_AUTO_TEST_CASE(permits_that_were_taken_with_no_descriptor_left_are_given_back_by_who_took_them) {
  const semaphore two = semaphore::owned(2);
  BOOST_TEST(fork_child([&] {
               {
                 const scoped_fd_limit none(0);
                 two.acquire();
               }
               two.acquire();
               if (fork_child([&] { return two.try_acquire() ? 1 : 0; }) != 0) return 1;
               two.release(2);
               return two.value() == 2 ? 0 : 2;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_permit_stays_with_its_process_when_that_has_dropped_its_last_copy) {
  std::optional<semaphore> one = semaphore::owned(1);
  const shared_step step;
  forked_child holder([&]() -> int {
    one->acquire();
    one.reset();
    step.reach(1);
    for (;;) ::pause();
  });
  step.wait_for(1);
  BOOST_TEST(!one->try_acquire());
  holder.signal(SIGKILL);
  holder.wait();
  BOOST_TEST(one->try_acquire());
  one->release();
}

BOOST_AUTO_TEST_CASE(a_barrier_is_passed_by_parties_that_cannot_see_each_other) {
  for (const seclusion one : all_seclusions)
    for (const seclusion other : all_seclusions) {
      if (!allows(one) || !allows(other)) continue;
      const barrier<> both(2);
      const auto pass = [&](seclusion how) {
        return [&, how] {
          return secluded(how, [&] {
            for (int i = 0; i < 3; ++i) both.wait();
            return 0;
          });
        };
      };
      forked_child first(pass(one)), second(pass(other));
      BOOST_CHECK_MESSAGE(first.wait() == 0, one << " and " << other);
      BOOST_CHECK_MESSAGE(second.wait() == 0, one << " and " << other);
    }
}

BOOST_AUTO_TEST_CASE(a_barrier_breaks_when_a_party_that_nobody_sees_is_killed) {
  for (const seclusion dying : all_seclusions) {
    if (!allows(dying)) continue;
    const barrier<> three(3);
    forked_child party([&] {
      return secluded(dying, [&] {
        three.wait();
        return 0;
      });
    });
    wait_until([&] { return three.waiting() == 1; });
    // It stays whole as long as that one lives.
    forked_child waiter([&] {
      try {
        three.wait();
        return 1;
      } catch (const broken_barrier& broken) {
        return broken.why() == broken_barrier::cause::process_ended ? 0 : 2;
      }
    });
    wait_until([&] { return three.waiting() == 2; });
    BOOST_TEST(!three.broken());
    party.signal(SIGKILL);
    party.wait();
    BOOST_TEST(waiter.wait() == 0, dying);
  }
}

BOOST_AUTO_TEST_SUITE_END()
