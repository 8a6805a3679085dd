// SPDX-License-Identifier: BSL-1.0
// Offers and handles of processes when calls are interrupted or descriptors run out.
#include <ferry/error.hpp>
#include <ferry/offer.hpp>
#include <ferry/process_handle.hpp>

#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

auto out_of_descriptors(const system_error& problem) {
  return problem.code() == std::errc::too_many_files_open &&
         std::string(problem.what()).find("ulimit -n") != std::string::npos;
}

unique_handle null() {
  return unique_handle(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

int interrupted_calls;
bool interrupted() {
  if (++interrupted_calls % 2 == 0) return false;
  errno = EINTR;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(offer_faults)

BOOST_AUTO_TEST_CASE(an_offer_that_cannot_be_made_leaves_nothing) {
  const unique_handle handle = null();
  for (const std::size_t too_few : {0U, 1U}) {
    const scoped_fd_limit few(too_few);
    BOOST_CHECK_EXCEPTION(make_offer(handle), system_error, out_of_descriptors);
  }
  BOOST_CHECK_THROW(make_offer(handle_view()), system_error);
  {
    const scoped_system_call no_memory(&os::system_calls::sendmsg, [](int, const msghdr*, int) -> ssize_t {
      errno = ENOMEM;
      return -1;
    });
    BOOST_CHECK_THROW(make_offer(handle), system_error);
  }
  BOOST_TEST(withdraw_offer(make_offer(handle)));
}

BOOST_AUTO_TEST_CASE(signals_during_every_second_call_change_nothing) {
  const unique_handle handle = null();
  interrupted_calls = 0;
  const scoped_system_call sending(&os::system_calls::sendmsg,
                                   [](int fd, const msghdr* what, int flags) -> ssize_t {
                                     return interrupted() ? -1 : ::sendmsg(fd, what, flags);
                                   });
  const scoped_system_call receiving(&os::system_calls::recvmsg,
                                     [](int fd, msghdr* what, int flags) -> ssize_t {
                                       return interrupted() ? -1 : ::recvmsg(fd, what, flags);
                                     });
  const scoped_system_call random(
      &os::system_calls::getrandom, [](void* into, size_t size, unsigned flags) -> ssize_t {
        return interrupted() ? -1 : ::getrandom(into, std::min<size_t>(size, 5), flags);
      });
  const offer first = make_offer(handle), second = make_offer(handle);
  BOOST_TEST((first.token != second.token));
  BOOST_TEST(take_offer(first).valid());
  BOOST_TEST(withdraw_offer(second));
  BOOST_TEST(!withdraw_offer(first));
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_cannot_open_another_and_is_told_why) {
  {
    const scoped_fd_limit none(0);
    BOOST_CHECK_EXCEPTION(process_handle::open(::getpid()), system_error, out_of_descriptors);
  }
  BOOST_TEST(process_handle::open(::getpid()).is_alive());
}

BOOST_AUTO_TEST_CASE(a_process_that_may_not_be_signalled_is_an_error) {
  const process_handle self = process_handle::open(::getpid());
  const scoped_system_call refused(&os::system_calls::pidfd_send_signal, [](int, int, siginfo_t*, unsigned) {
    errno = EPERM;
    return -1;
  });
  const scoped_system_call refused_too(&os::system_calls::kill, [](pid_t, int) {
    errno = EPERM;
    return -1;
  });
  BOOST_CHECK_EXCEPTION(self.terminate(), system_error, [](const system_error& problem) {
    return problem.code() == std::errc::operation_not_permitted;
  });
}

BOOST_AUTO_TEST_SUITE_END()
