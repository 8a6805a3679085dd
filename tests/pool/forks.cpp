// SPDX-License-Identifier: BSL-1.0
// Processes that fork behind a pool's back: the one that has it, and its workers.
#include "pool/support.hpp"

#include <boost/range/irange.hpp>

#include <memory>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

/// Both come back from it.
int fork_and_return(int number) {
  const pid_t child = ::fork();
  if (child != 0) ::waitpid(child, nullptr, 0);
  return child == 0 ? -1 : number;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forks, no_forkserver_left)

BOOST_AUTO_TEST_CASE(a_forked_copy_of_a_pool_says_that_it_is_one) {
  if (with_address_sanitizer) return;  // see methods_beside_threads()
  pool pool(2);
  const auto with_state = pool.with_state<int>([] { return 3; });
  auto task = pool.submit(fn<&square>, 3);
  const auto is_refused = [](auto&& call) {
    try {
      call();
    } catch (const error& refused) {
      return says("forked copy")(refused);
    }
    return false;
  };
  BOOST_TEST(fork_child([&] {
               int mistakes = 0;
               mistakes += !is_refused([&] { pool.apply(fn<&square>, 3); });
               mistakes += !is_refused([&] { pool.map(fn<&square>, boost::irange(0, 10)); });
               mistakes += !is_refused([&] { with_state.apply([](int& state) { return state; }); });
               mistakes += !is_refused([&] { task.wait(); });
               mistakes += !is_refused([&] { pool.pids(); });
               mistakes += !is_refused([&] { pool.close(); });
               mistakes += !is_refused([&] { pool.join(); });
               mistakes += !is_refused([&] { pool.terminate(); });
               mistakes += task.cancel();
               return mistakes;
             }) == 0);
  BOOST_TEST(outcome(task) == 9);
}

BOOST_AUTO_TEST_CASE(a_forked_copy_of_a_pool_is_dropped_without_harm) {
  if (with_address_sanitizer) return;  // see methods_beside_threads()
  if (with_thread_sanitizer) return;   // it allows no threads after a fork beside threads
  pool pool(2);
  BOOST_TEST(fork_child([&] {
               ferry::pool copy(2, by(start_method::fork));
               return copy.apply(fn<&square>, 3) == 9 ? 0 : 1;
             }) == 0);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_CASE(a_forked_copy_of_results_leaves_the_tasks_of_the_original_alone) {
  if (with_address_sanitizer) return;  // see methods_beside_threads()
  pool pool(2);
  const auto pids = pool.pids();
  auto results = std::make_unique<decltype(pool.imap(fn<&square>, boost::irange(0, 200)))>(
      pool.imap(fn<&square>, boost::irange(0, 200), {.chunk_size = 1}));
  auto at = results->begin();
  BOOST_TEST(fork_child([&] {
               results.reset();
               return 0;
             }) == 0);
  int number = 0;
  for (; at != results->end(); ++at, ++number) BOOST_REQUIRE_EQUAL(*at, number * number);
  BOOST_TEST(number == 200);
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(a_copy_that_a_task_makes_of_its_worker_ends_with_the_task, every_start_method, method) {
  pool pool(1, by(method));
  const auto pids = pool.pids();
  for (int i = 0; i < 3; ++i) BOOST_TEST(pool.apply(fn<&fork_and_return>, i) == i);
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 50)) == squares(50), boost::test_tools::per_element());
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
