// SPDX-License-Identifier: BSL-1.0
// The tools of the tests themselves: what watches for leaks must see them.
#include <ferry/error.hpp>
#include <ferry/handle.hpp>

#include "os/handle.hpp"
#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/leaks.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <signal.h>
#include <stdexcept>

using namespace ferry;
using namespace ferry::test;

BOOST_AUTO_TEST_SUITE(support)

BOOST_AUTO_TEST_CASE(a_descriptor_left_open_is_named) {
  const holdings before = holdings::now();
  BOOST_TEST(holdings::now().difference(before) == "");
  const unique_handle extra(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  BOOST_TEST(holdings::now().difference(before) ==
             "descriptor " + std::to_string(extra.native()) + " (/dev/null) open");
  BOOST_TEST(before.difference(holdings::now()) ==
             "descriptor " + std::to_string(extra.native()) + " (/dev/null) closed");
  BOOST_TEST(os::open_handles() == before.descriptors.size() + 1);
}

BOOST_AUTO_TEST_CASE(a_child_not_waited_for_is_named) {
  const holdings before = holdings::now();
  const forked_child extra([] { return ::pause(); });
  BOOST_TEST(holdings::now().difference(before) ==
             "child " + std::to_string(extra.pid()) + " not waited for");
}

BOOST_AUTO_TEST_CASE(a_forked_child_tells_how_it_ended) {
  BOOST_TEST(fork_child([] { return 7; }) == 7);
  BOOST_TEST(fork_child([]() -> int { throw std::runtime_error("on purpose"); }) == 99);
  forked_child child([] { return ::pause(); });
  child.signal(SIGKILL);
  BOOST_TEST(child.wait() == -SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_lowered_limit_lets_through_exactly_as_many_descriptors_as_asked) {
  const unique_handle null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const scoped_fd_limit only_two_more(2);
  const unique_handle first = duplicate(null), second = duplicate(null);
  BOOST_CHECK_EXCEPTION(static_cast<void>(duplicate(null)), system_error,
                        fails_with(std::errc::too_many_files_open, "ulimit -n"));
}

BOOST_AUTO_TEST_CASE(a_replaced_system_call_is_put_back) {
  const unique_handle null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  {
    const scoped_system_call fault(&os::system_calls::dup_cloexec, [](int) {
      errno = ENOMEM;
      return -1;
    });
    BOOST_CHECK_THROW(static_cast<void>(duplicate(null)), system_error);
  }
  BOOST_TEST(duplicate(null).valid());
}

BOOST_AUTO_TEST_SUITE_END()
