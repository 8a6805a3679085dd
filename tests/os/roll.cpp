// SPDX-License-Identifier: BSL-1.0
// The roll: processes that take part in something in shared memory, and which of them still live.
#include "os/roll.hpp"

#include <ferry/error.hpp>

#include "os/process.hpp"
#include "support/child.hpp"
#include "support/faults.hpp"
#include "support/seclusion.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <memory>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

/// Memory that forked children share: a roll, and a word by which they tell who they are.
class shared_roll {
 public:
  explicit shared_roll(std::size_t seats) : size_(16 + os::roll::bytes_for(seats)) {
    memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BOOST_REQUIRE(memory_ != MAP_FAILED);
    ::new (memory_) std::atomic<os::process_identity>(0);
  }
  ~shared_roll() { ::munmap(memory_, size_); }
  shared_roll(const shared_roll&) = delete;
  shared_roll& operator=(const shared_roll&) = delete;

  std::unique_ptr<os::roll> enter() const {
    auto entered = std::make_unique<os::roll>();
    entered->place({static_cast<std::byte*>(memory_) + 16, size_ - 16});
    return entered;
  }
  std::atomic<os::process_identity>& told() const {
    return *std::launder(static_cast<std::atomic<os::process_identity>*>(memory_));
  }
  /// What a child says.
  os::process_identity heard() const {
    wait_until([this] { return told().load() != 0; });
    return told().exchange(0);
  }
  /// For a child: joins, says so, and sleeps.
  int join_and_sleep() const {
    const auto mine = enter();
    told() = mine->join();
    for (;;) ::pause();
  }

 private:
  std::size_t size_;
  void* memory_ = nullptr;
};

/// Waits for its end without taking note of it.
void wait_for_end(const forked_child& child) {
  siginfo_t info{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rolls)

BOOST_AUTO_TEST_CASE(a_full_roll_says_how_many_live_and_has_room_again_when_one_has_ended) {
  const shared_roll shared(2);
  const auto mine = shared.enter();
  mine->join();
  forked_child other([&] { return shared.join_and_sleep(); });
  shared.heard();
  const auto join_in_child = [&] {
    const auto its = shared.enter();
    try {
      its->join();
      return 0;
    } catch (const system_error& refusal) {
      return std::string(refusal.what()).find("2 processes that live") != std::string::npos ? 1 : 2;
    }
  };
  BOOST_TEST(fork_child(join_in_child) == 1);
  other.signal(SIGKILL);
  other.wait();
  for (int i = 0; i < 5; ++i) BOOST_TEST(fork_child(join_in_child) == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_cannot_be_started_is_an_exception_and_the_next_attempt_is_as_the_first) {
  const shared_roll shared(2);
  BOOST_TEST(fork_child([&] {
               if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 0;  // root has no such limit
               const auto mine = shared.enter();
               try {
                 const scoped_limit none(RLIMIT_NPROC, 0);
                 mine->join();
                 return 1;
               } catch (const system_error& refusal) {
                 if (std::string(refusal.what()).find("ulimit -u") == std::string::npos) return 2;
               }
               mine->join();
               return mine->has_joined() && !mine->has_ended(os::own_identity()) ? 0 : 3;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_process_that_never_joined_has_ended) {
  const shared_roll shared(2);
  const auto mine = shared.enter();
  BOOST_TEST(mine->has_ended(os::own_identity()));
  mine->join();
  BOOST_TEST(!mine->has_ended(os::own_identity()));
}

BOOST_AUTO_TEST_CASE(a_process_that_leaves_makes_room) {
  const shared_roll shared(1);
  for (int i = 0; i < 3; ++i) {
    const auto mine = shared.enter();
    mine->join();
    BOOST_TEST(!mine->has_ended(mine->join()));
  }
  BOOST_TEST(shared.enter()->has_ended(os::own_identity()));
}

BOOST_AUTO_TEST_CASE(a_child_has_ended_before_and_after_it_is_waited_for) {
  const shared_roll shared(2);
  const auto mine = shared.enter();
  forked_child child([&] { return shared.join_and_sleep(); });
  const os::process_identity one = shared.heard();
  BOOST_TEST(!mine->has_ended(one));
  child.signal(SIGKILL);
  wait_for_end(child);
  BOOST_TEST(mine->has_ended(one));
  child.wait();
  BOOST_TEST(mine->has_ended(one));
}

BOOST_AUTO_TEST_CASE(a_process_lives_as_long_as_any_of_its_threads) {
  const shared_roll shared(2);
  const auto mine = shared.enter();
  forked_child child([&] {
    const auto its = shared.enter();
    // Neither the thread that joins nor the first one stays.
    std::thread([&] { its->join(); }).join();
    std::thread([&] {
      shared.told() = its->join();
      for (;;) ::pause();
    }).detach();
    return static_cast<int>(::syscall(SYS_exit, 0));  // of this thread alone, without unwinding
  });
  const os::process_identity one = shared.heard();
  siginfo_t nothing{};
  BOOST_TEST(::waitid(P_PID, static_cast<id_t>(child.pid()), &nothing, WEXITED | WNOHANG | WNOWAIT) == 0);
  BOOST_TEST(!mine->has_ended(one));
  child.signal(SIGKILL);
  child.wait();
  BOOST_TEST(mine->has_ended(one));
}

BOOST_AUTO_TEST_CASE(a_forked_copy_neither_is_its_parent_nor_ends_for_it) {
  const shared_roll shared(3);
  auto mine = shared.enter();
  const os::process_identity self = mine->join();
  BOOST_TEST(fork_child([&] {
               if (mine->has_joined() || mine->has_ended(self)) return 1;
               const os::process_identity child = mine->join();
               if (child == self || mine->has_ended(child)) return 2;
               mine.reset();
               return shared.enter()->has_ended(child) ? 0 : 3;
             }) == 0);
  BOOST_TEST(fork_child([&] {
               mine.reset();  // without having joined
               return 0;
             }) == 0);
  BOOST_TEST(!mine->has_ended(self));
}

BOOST_AUTO_TEST_CASE(a_process_that_becomes_another_program_has_ended) {
  const shared_roll shared(2);
  const auto mine = shared.enter();
  forked_child child([&] {
    const auto its = shared.enter();
    shared.told() = its->join();
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  const os::process_identity one = shared.heard();
  wait_until([&] { return mine->has_ended(one); });
  child.signal(SIGKILL);
  child.wait();
}

BOOST_AUTO_TEST_CASE(a_process_that_has_joined_more_than_the_kernel_looks_through_for_a_thread_ends_in_all) {
  constexpr std::size_t many = 2500;
  std::vector<std::unique_ptr<shared_roll>> all;
  for (std::size_t i = 0; i < many; ++i) all.push_back(std::make_unique<shared_roll>(1));
  forked_child child([&]() -> int {
    std::vector<std::unique_ptr<os::roll>> mine;
    for (const auto& each : all) mine.push_back(each->enter());
    for (const auto& each : mine) each->join();
    all.front()->told() = os::own_identity();
    for (;;) ::pause();
  });
  const os::process_identity one = all.front()->heard();
  std::size_t living = 0;
  for (const auto& each : all) living += each->enter()->has_ended(one) ? 0 : 1;
  BOOST_TEST(living == many);
  child.signal(SIGKILL);
  child.wait();
  for (const auto& each : all) living -= each->enter()->has_ended(one) ? 1 : 0;
  BOOST_TEST(living == 0U);
}

BOOST_AUTO_TEST_CASE(a_process_may_join_with_no_descriptor_left) {
  const shared_roll shared(1);
  BOOST_TEST(fork_child([&] {
               const scoped_fd_limit none(0);
               const auto mine = shared.enter();
               return mine->has_ended(mine->join()) ? 1 : 0;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_process_with_a_seat_runs_no_other_threads_for_all_that_fork_has_to_know) {
  const shared_roll shared(1);
  BOOST_TEST(fork_child([&] {
               const auto mine = shared.enter();
               mine->join();
               return os::seat_holding_threads() == 1 && !os::other_threads_run() ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_secluded_process_is_seen_to_live_and_to_end_by_every_other) {
  for (const seclusion holder : all_seclusions) {
    if (!allows(holder)) continue;
    const shared_roll shared(10);
    forked_child child([&] { return secluded(holder, [&] { return shared.join_and_sleep(); }); });
    const os::process_identity one = shared.heard();
    const auto look_from = [&](seclusion looker) {
      return fork_child([&] {
        return secluded(looker, [&] {
          const auto mine = shared.enter();
          mine->join();
          return mine->has_ended(one) ? 1 : 0;
        });
      });
    };
    for (const seclusion looker : all_seclusions)
      if (allows(looker)) BOOST_CHECK_MESSAGE(look_from(looker) == 0, holder << " seen from " << looker);
    child.signal(SIGKILL);
    child.wait();
    for (const seclusion looker : all_seclusions)
      if (allows(looker)) wait_until([&] { return look_from(looker) == 1; });
  }
}

BOOST_AUTO_TEST_SUITE_END()
