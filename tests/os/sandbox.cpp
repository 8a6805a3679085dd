// SPDX-License-Identifier: BSL-1.0
// Newer system calls that a sandbox refuses, or that an older system does not have: there is another way, or
// it is said what is missing.
#include "support/sandbox.hpp"

#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/offer.hpp>
#include <ferry/process.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_memory.hpp>

#include "os/handle.hpp"
#include "os/process.hpp"
#include "os/process_identity.hpp"
#include "support/child.hpp"
#include "support/faults.hpp"
#include "support/seclusion.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

constexpr int no_filters = 77;

/// Runs `work` in a child in which a call is refused, with either answer that there is.
template <class Work>
void without(long call, Work work) {
  for (const int code : {ENOSYS, EPERM}) {
    const int outcome = fork_child([&] { return refuse_system_call(call, code) ? work() : no_filters; });
    if (outcome == no_filters)
      BOOST_TEST_MESSAGE("skipped: the system has no filters of system calls");
    else
      BOOST_CHECK_MESSAGE(outcome == 0, "call " << call << ", error " << code << ": " << outcome);
  }
}

/// 0 if `work` throws an error that says so.
template <class Error, class Work>
int refusal_says(const char* what, Work work) {
  try {
    work();
    return 1;
  } catch (const Error& refusal) {
    return std::string(refusal.what()).find(what) != std::string::npos ? 0 : 2;
  }
}

bool is_open(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

/// 0 if all are closed but the one that is to stay.
int close_many() {
  std::vector<int> opened;
  for (int i = 0; i < 300; ++i) opened.push_back(::open("/dev/null", O_RDONLY));
  const int far = ::fcntl(opened.front(), F_DUPFD, 900);
  const int kept = opened[150];
  std::array<handle_view, 1> keep{handle_view(kept)};
  os::close_all_but(keep);
  for (const int each : opened)
    if (is_open(each) != (each == kept)) return 1;
  return is_open(far) || !is_open(STDERR_FILENO) ? 2 : 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sandboxes)

BOOST_AUTO_TEST_CASE(descriptors_are_closed_without_close_range) {
  without(SYS_close_range, close_many);
  without(SYS_close_range, [] {
    const scoped_fd_limit none(310);
    for (int i = 0; i < 5; ++i) static_cast<void>(::open("/dev/null", O_RDONLY));
    return close_many();
  });
}

BOOST_AUTO_TEST_CASE(descriptors_are_closed_without_close_range_and_proc) {
  if (!allows(seclusion::no_proc)) return;
  without(SYS_close_range, [] { return secluded(seclusion::no_proc, close_many); });
}

BOOST_AUTO_TEST_CASE(a_forked_child_has_no_other_end_of_a_pipe_without_close_range) {
  without(SYS_close_range, [] {
    context forks;
    forks.method = start_method::fork;
    std::pair<connection, connection> ends = pipe();
    process child({.context = forks}, [] {
      for (;;) ::pause();
    });
    ends.second.close();
    int outcome = 1;
    try {
      outcome = ends.first.recv_bytes_for(10s) ? 2 : 3;
    } catch (const end_of_stream&) {
      outcome = 0;
    }
    child.kill();
    child.join();
    return outcome;
  });
}

BOOST_AUTO_TEST_CASE(a_process_is_not_started_without_pidfd_open_and_the_error_says_what_is_missing) {
  without(SYS_pidfd_open,
          [] { return refusal_says<system_error>("pidfd_open(2)", [] { process::fork([] {}).join(); }); });
}

BOOST_AUTO_TEST_CASE(a_process_is_signalled_without_pidfd_send_signal) {
  without(SYS_pidfd_send_signal, [] {
    process child = process::fork([] {
      for (;;) ::pause();
    });
    child.kill();
    child.join();
    return child.exit_code() == -SIGKILL ? 0 : 1;
  });
}

BOOST_AUTO_TEST_CASE(an_offer_is_refused_without_pidfd_getfd_and_the_error_says_what_is_missing) {
  without(SYS_pidfd_getfd, [] {
    const offer made = make_offer(handle_view(STDERR_FILENO));
    return refusal_says<transfer_error>("pidfd_getfd(2)", [&] { take_offer(made); });
  });
}

BOOST_AUTO_TEST_CASE(memory_is_refused_without_memfd_create_and_the_error_says_what_is_missing) {
  without(SYS_memfd_create,
          [] { return refusal_says<system_error>("memfd_create(2)", [] { shared_memory(100); }); });
}

BOOST_AUTO_TEST_CASE(memory_is_made_where_it_must_not_become_a_program_and_where_nobody_knows_of_that) {
  static bool is_strict = false;
  const scoped_system_call picky(&os::system_calls::memfd_create, [](const char* name, unsigned flags) {
    constexpr unsigned noexec_seal = 8;
    const bool is_asked = (flags & noexec_seal) != 0;
    if (is_asked != is_strict) {
      errno = is_strict ? EACCES : EINVAL;
      return -1;
    }
    return ::memfd_create(name, flags & ~noexec_seal);
  });
  for (const bool strict : {true, false}) {
    is_strict = strict;
    BOOST_TEST(shared_memory(100).size() == 100U);
  }
}

BOOST_AUTO_TEST_CASE(a_permit_is_not_taken_without_set_robust_list_and_the_error_says_so) {
  without(SYS_set_robust_list, [] {
    const semaphore one = semaphore::owned(1);
    if (one.value() != 1) return 3;
    return refusal_says<system_error>("whether this process lives", [&] { one.acquire(); });
  });
}

BOOST_AUTO_TEST_CASE(an_identity_is_drawn_without_getrandom) {
  without(SYS_getrandom, [] {
    const os::process_identity own = os::own_identity();
    return own != 0 && fork_child([&] { return os::own_identity() == own ? 1 : 0; }) == 0 ? 0 : 1;
  });
}

BOOST_AUTO_TEST_CASE(two_handles_are_known_to_be_one_without_kcmp_where_the_system_has_another_way) {
  const std::pair<connection, connection> ends = pipe();
  const handle_view first(ends.first.native_handle()), second(ends.second.native_handle());
  const unique_handle another = duplicate(first);
  BOOST_TEST(os::same_object(first, another));
  without(SYS_kcmp, [&] {
    if (os::same_object(first, second)) return 1;
    return os::same_object(first, another) == kernel_is_since(6, 10) ? 0 : 2;
  });
}

BOOST_AUTO_TEST_CASE(threads_and_processes_are_started_without_clone3) {
  const int outcome = fork_child([] {
    if (!refuse_system_call(SYS_clone3, ENOSYS)) return no_filters;
    const semaphore one = semaphore::owned(1);
    one.acquire();
    process child = process::fork([] {});
    child.join();
    return child.exit_code().value_or(1);
  });
  BOOST_TEST((outcome == 0 || outcome == no_filters));
}

BOOST_AUTO_TEST_SUITE_END()
