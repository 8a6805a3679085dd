// SPDX-License-Identifier: BSL-1.0
// Identities of processes: drawn, kept, and told apart.
#include "os/process_identity.hpp"

#include "support/child.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

BOOST_AUTO_TEST_SUITE(process_identities)

BOOST_AUTO_TEST_CASE(a_process_knows_itself) {
  BOOST_TEST(os::own_identity() != 0U);
  BOOST_TEST(os::own_identity() != ~os::process_identity{0});
  BOOST_TEST(os::own_identity() == os::own_identity());
  BOOST_TEST(os::id_of(os::own_identity()) == ::getpid());
  std::thread([self = os::own_identity()] { BOOST_TEST(os::own_identity() == self); }).join();
}

BOOST_AUTO_TEST_CASE(a_forked_child_is_another_one) {
  const os::process_identity parent = os::own_identity();
  BOOST_TEST(fork_child([&] {
               return os::own_identity() != parent && os::id_of(os::own_identity()) == ::getpid() ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(an_identity_is_the_same_before_and_after_a_lack_of_descriptors_and_of_random_numbers) {
  BOOST_TEST(fork_child([] {
               const scoped_system_call refused(&os::system_calls::getrandom, [](void*, size_t, unsigned) {
                 errno = ENOSYS;
                 return ssize_t{-1};
               });
               os::process_identity first = 0;
               {
                 const scoped_fd_limit none(0);
                 first = os::own_identity();
               }
               return first != 0 && os::own_identity() == first ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
