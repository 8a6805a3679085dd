// Who a process was, and whether it has ended.
#include "os/process_identity.hpp"

#include <ferry/deadline.hpp>

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

os::process_identity identity_of(std::uint64_t start, pid_t pid) {
  return start << 32U | static_cast<std::uint32_t>(pid);
}

/// Waits for its end without taking note of it.
void wait_for_end(const forked_child& child) {
  siginfo_t info{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process_identities)

BOOST_AUTO_TEST_CASE(a_process_that_never_was_has_ended) {
  BOOST_TEST(os::has_ended(identity_of(1, 1 << 22)));  // ids are smaller
  BOOST_TEST(os::has_ended(identity_of(0, 1 << 22)));
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_from_a_process_that_cannot_be_asked_about) {
  const scoped_system_call failing(&os::system_calls::open, [](const char*, int, mode_t) {
    errno = EMFILE;
    return -1;
  });
  BOOST_TEST(!os::has_ended(identity_of(1, 1 << 22)));
  BOOST_TEST(!os::has_ended(os::own_identity()));
}

BOOST_AUTO_TEST_CASE(a_signal_while_asking_changes_nothing) {
  static int calls;
  calls = 0;
  const os::process_identity self = os::own_identity();
  const scoped_system_call interrupted(&os::system_calls::read, [](int fd, void* to, size_t size) {
    if (++calls % 2 == 1) {
      errno = EINTR;
      return ssize_t{-1};
    }
    return ::read(fd, to, size);
  });
  BOOST_TEST(!os::has_ended(self));
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(a_process_knows_itself) {
  BOOST_TEST(os::own_identity() != 0U);
  BOOST_TEST(os::own_identity() == os::own_identity());
  BOOST_TEST(os::id_of(os::own_identity()) == ::getpid());
  BOOST_TEST(!os::has_ended(os::own_identity()));
  std::thread([self = os::own_identity()] { BOOST_TEST(os::own_identity() == self); }).join();
}

BOOST_AUTO_TEST_CASE(another_process_of_the_same_id_is_another_one) {
  const os::process_identity self = os::own_identity();
  BOOST_TEST(os::has_ended(identity_of((self >> 32U) + 1, ::getpid())));
  BOOST_TEST(!os::has_ended(identity_of(0, ::getpid())));  // when it started could not be found out
}

BOOST_AUTO_TEST_CASE(a_forked_child_is_another_one) {
  const os::process_identity parent = os::own_identity();
  BOOST_TEST(fork_child([&] {
               return os::own_identity() != parent && os::id_of(os::own_identity()) == ::getpid() &&
                              !os::has_ended(parent)
                          ? 0
                          : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_child_has_ended_before_and_after_it_is_waited_for) {
  forked_child child([] { return ::pause(); });
  const os::process_identity one = identity_of(0, child.pid());
  BOOST_TEST(!os::has_ended(one));
  child.signal(SIGKILL);
  wait_for_end(child);
  BOOST_TEST(os::has_ended(one));
  BOOST_TEST(child.wait() == -SIGKILL);
  BOOST_TEST(os::has_ended(one));
}

BOOST_AUTO_TEST_CASE(a_process_whose_first_thread_has_ended_lives) {
  forked_child child([] {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    return static_cast<int>(::syscall(SYS_exit, 0));  // of this thread alone, without unwinding
  });
  const auto state = [&] {
    std::ifstream stat("/proc/" + std::to_string(child.pid()) + "/stat");
    std::string skipped, letter;
    stat >> skipped >> skipped >> letter;
    return letter;
  };
  for (const deadline until = deadline::after(patience); state() != "Z"; std::this_thread::yield())
    BOOST_REQUIRE(!until.expired());
  BOOST_TEST(!os::has_ended(identity_of(0, child.pid())));
  child.signal(SIGKILL);
  BOOST_TEST(child.wait() == -SIGKILL);
  BOOST_TEST(os::has_ended(identity_of(0, child.pid())));
}

BOOST_AUTO_TEST_SUITE_END()
