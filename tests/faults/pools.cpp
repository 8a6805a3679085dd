// SPDX-License-Identifier: BSL-1.0
// Pools when the system or the heap has nothing left, at any one moment of what they do or for a while.
#include <ferry/error.hpp>
#include <ferry/event.hpp>
#include <ferry/pool.hpp>

#include "faults/refusals.hpp"
#include "support/faults.hpp"
#include "support/killing.hpp"
#include "support/leaks.hpp"

#include <boost/range/irange.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/types.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

int square(int number) {
  return number * number;
}
parcel give_back(parcel given) {
  return given;
}
struct base {
  int number;
};
base make_base(int number) {
  return {number};
}
int add(base& to, int number) {
  return to.number + number;
}

/// Does something with a pool that is as good as ever afterwards.
template <class Operation>
void use(pool& of, Operation operation) {
  of.apply(fn<&square>, 1);  // what is made at the first task is there
  refuse_each([&] { return attempt{operation, [&](bool) { BOOST_TEST(of.apply(fn<&square>, 3) == 9); }}; });
}

void kill_workers(const pool& of, std::size_t count) {
  const auto pids = of.pids();
  for (std::size_t i = 0; i < count; ++i) ::kill(static_cast<pid_t>(pids.at(i)), SIGKILL);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pools_refused)

BOOST_AUTO_TEST_CASE(a_pool_is_made_or_it_is_an_exception) {
  const auto make = [] { return pool(1).apply(fn<&square>, 3) == 9; };
  make();
  refuse_each([&] { return attempt{[&] { make(); }, [](bool) {}}; });
}

BOOST_AUTO_TEST_CASE(a_task_is_done_or_it_is_an_exception) {
  pool pool(1);
  use(pool, [&] { BOOST_TEST(pool.apply(fn<&square>, 5) == 25); });
  use(pool, [&] {
    const task<int> given = pool.submit(fn<&square>, 5);
    BOOST_TEST(given.get() == 25);
  });
  use(pool, [&] { pool.submit(fn<&square>, 5).cancel(); });
  use(pool, [&] {
    // Whether there is a result or not, there is a call.
    const auto called = std::make_shared<event>();
    const auto set = [called] { called->set(); };
    pool.submit(fn<&square>, 5).then([=](int) { set(); }, [=](const std::exception_ptr&) { set(); });
    BOOST_TEST(called->wait_for(patience));
  });
  use(pool, [&] { BOOST_TEST(pool.with_state<base>(fn<&make_base>, 4).apply(fn<&add>, 5) == 9); });
}

BOOST_AUTO_TEST_CASE(a_map_is_done_or_it_is_an_exception) {
  pool pool(2);
  const auto numbers = boost::irange(0, 6);
  const std::vector<int> squares{0, 1, 4, 9, 16, 25};
  use(pool, [&] {
    BOOST_TEST(pool.map(fn<&square>, numbers, {.chunk_size = 2}) == squares,
               boost::test_tools::per_element());
  });
  use(pool, [&] {
    int sum = 0;
    for (const int each : pool.imap_unordered(fn<&square>, numbers, {.chunk_size = 1})) sum += each;
    BOOST_TEST(sum == 55);
  });
  use(pool, [&] {
    for (const int first : pool.imap(fn<&square>, numbers)) {  // and is left in the middle
      BOOST_TEST(first == 0);
      break;
    }
  });
}

BOOST_AUTO_TEST_CASE(a_task_with_handles_is_done_or_it_is_an_exception) {
  const holdings before = holdings::now();
  {
    pool pool(1, {.mode = transfer::duplicate});
    pool.apply(fn<&give_back>, parcel(1, 10, 2));
    use(pool, [&] { check_parcel(pool.apply(fn<&give_back>, parcel(1, 100, 2)), 1); });
  }
  // Handles that nobody has taken are closed by a thread that nobody waits for.
  wait_until([&] { return holdings::now().difference(before).empty(); });
}

BOOST_AUTO_TEST_CASE(a_dead_worker_is_replaced_as_soon_as_there_are_descriptors_again) {
  const pool pool(2);
  std::optional<scoped_fd_limit> none(0);
  kill_workers(pool, 1);
  wait_until([&] { return pool.pids().size() == 1; });
  for (int i = 0; i < 20; ++i) BOOST_TEST(pool.apply(fn<&square>, i) == i * i);
  BOOST_TEST(pool.pids().size() == 1U);
  none.reset();
  wait_until([&] { return pool.pids().size() == 2; });
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_CASE(a_pool_that_has_lost_all_workers_and_gets_no_other_ends_with_the_reason) {
  pool pool(2);
  const scoped_fd_limit none(0);
  kill_workers(pool, 2);
  BOOST_CHECK_EXCEPTION(for (;;) pool.apply(fn<&square>, 3), system_error,
                        [](const system_error& problem) { return problem.code().value() == EMFILE; });
  BOOST_TEST(pool.join_for(patience));
}

BOOST_AUTO_TEST_SUITE_END()
