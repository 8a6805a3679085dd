// SPDX-License-Identifier: BSL-1.0
// Workers that die: what they were running fails, and nothing else.
#include "pool/support.hpp"

#include <boost/range/irange.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;
using cause = worker_died::cause;

namespace {

/// How a worker may come to its end.
enum class end { sigkill, segfault, abort, exit_at_once, exit, never };

[[noreturn]] void die(end how) {
  // Forked from a test, it has the handlers of Boost.Test.
  ::signal(SIGSEGV, SIG_DFL);
  ::signal(SIGABRT, SIG_DFL);
  switch (how) {
    case end::sigkill:
      ::raise(SIGKILL);
      break;
    case end::segfault:
      ::raise(SIGSEGV);
      break;
    case end::exit:
      std::exit(4);
    case end::exit_at_once:
      ::_exit(3);
    case end::never:
      for (;;) ::pause();
    case end::abort:
      break;
  }
  std::abort();
}

/// The squares, but for one number, of which the worker dies.
struct deadly_square {
  int number = 0;
  end how = end::sigkill;

  std::pair<int, std::int64_t> operator()(int given) const {
    if (given == number) {
      *told()->victim = ::getpid();
      die(how);
    }
    ++*told()->count;
    return {given * given, ::getpid()};
  }
};

struct death {
  end how;
  cause why;
  int code;
};
std::ostream& operator<<(std::ostream& out, const death& shown) {
  return out << static_cast<int>(shown.how);
}
const auto every_death = boost::unit_test::data::make(std::vector<death>{
    {end::sigkill, cause::killed, SIGKILL},
    {end::segfault, cause::killed, SIGSEGV},
    {end::abort, cause::killed, SIGABRT},
    {end::exit_at_once, cause::exited, 3},
    {end::exit, cause::exited, 4},
});

/// Dies until it has died often enough.
int die_first(int times) {
  if (++*told()->count <= times) die(end::sigkill);
  return times;
}

/// A state of which so many die that make it first, and what needs it.
struct deadly_state {
  int made = 0;
};
deadly_state make_deadly(int times) {
  die_first(times);
  return {*told()->count};
}
int made(deadly_state& state, int) {
  return state.made;
}

void* allocate(std::size_t size) {
  void* const memory = ::operator new(size);
  std::fill_n(static_cast<char*>(memory), 4096, 'x');
  return memory;
}
bool take_much(std::size_t size) {
  ::operator delete(allocate(size));
  return true;
}

std::size_t size_of(const std::string& text) {
  return text.size();
}

using much = std::array<int, std::size_t{1} << 18U>;  // a megabyte
much make_much(int number) {
  much made;
  made.fill(number);
  return made;
}
std::array<int, 256> close_all_handles(int number) {
  ::close_range(3, ~0U, 0);
  return {number};
}

auto died(cause why, int code, std::size_t task, std::int64_t pid) {
  return [=](const worker_died& death) {
    BOOST_TEST(death.why() == why);
    BOOST_TEST(death.code() == code);
    BOOST_TEST(death.task() == task);
    BOOST_TEST(death.pid() == pid);
    // Nobody is advised to run again what would end as it did.
    const bool advises_retries = std::string_view(death.what()).find("retries") != std::string_view::npos;
    BOOST_TEST(advises_retries == (why != cause::exited && why != cause::timed_out));
    return true;
  };
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(deaths, no_forkserver_left)

// known failure 1: a pool hangs when a worker is killed
BOOST_DATA_TEST_CASE(a_worker_killed_from_outside_takes_along_the_task_that_it_runs, every_start_method,
                     method) {
  const signals all;
  pool pool(2, by(method), fn<&take_signals>, all);
  const task<int> held = pool.submit(fn<&hold>, 1);
  wait_until([&] { return *all.victim != 0; });
  std::vector<task<int>> others;
  for (int i = 0; i < 40; ++i) others.push_back(pool.submit(fn<&square>, i));
  BOOST_TEST(!held.ready());
  BOOST_REQUIRE(::kill(static_cast<pid_t>(*all.victim), SIGKILL) == 0);
  BOOST_CHECK_EXCEPTION(outcome(held), worker_died, died(cause::killed, SIGKILL, 0, *all.victim));
  for (int i = 0; i < 40; ++i) BOOST_TEST(outcome(others[static_cast<std::size_t>(i)]) == i * i);
  // known failure 9: one dead worker breaks the pool
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 50)) == squares(50), boost::test_tools::per_element());
  wait_until([&] { return pool.pids().size() == 2; });
  BOOST_TEST(pool.size() == 2U);
}

// known failure 1: a pool hangs when a worker crashes or exits
// conformance: test_process_pool.ProcessPoolExecutorTest
BOOST_DATA_TEST_CASE(a_worker_that_dies_of_an_item_takes_nothing_else_along,
                     every_death* boost::unit_test::data::make({1, 7, 100}), how, chunk) {
  const signals all;
  pool pool(2, {}, fn<&take_signals>, all);
  auto results = pool.imap(deadly_square{37, how.how}, boost::irange(0, 100),
                           {.chunk_size = static_cast<std::size_t>(chunk)});
  int next = 0, deaths = 0, lost = 0;
  for (auto at = results.begin(); at != results.end(); ++at, ++next) {
    try {
      BOOST_REQUIRE_EQUAL((*at).first, next * next);
    } catch (const worker_died& death) {
      // Those before it, in its chunk, had been run by the same worker and were not answered yet.
      ++lost;
      BOOST_TEST(next <= 37);
      BOOST_TEST(37 - next < chunk);
      if (next == 37) {
        ++deaths;
        died(how.why, how.code, 37, *all.victim)(death);
      }
    }
  }
  BOOST_TEST(next == 100);
  BOOST_TEST(deaths == 1);
  BOOST_TEST(lost == (chunk == 1 ? 1 : chunk == 7 ? 3 : 38));
  BOOST_TEST(*all.count == 99);  // each that could be run, and none of them twice
}

// What is left of a task is one more, of which who hands them over knows nothing.
BOOST_AUTO_TEST_CASE(items_behind_a_deadly_one_in_its_task_leave_room_for_the_rest_of_the_input) {
  const signals all;
  pool pool(1, {}, fn<&take_signals>, all);
  auto results =
      pool.imap(deadly_square{0, end::sigkill}, boost::irange(0, 40), {.chunk_size = 4, .max_in_flight = 4});
  auto at = results.begin();
  BOOST_CHECK_THROW(*at, worker_died);
  int next = 1;
  for (++at; at != results.end(); ++at, ++next) BOOST_REQUIRE_EQUAL((*at).first, next * next);
  BOOST_TEST(next == 40);
}

BOOST_AUTO_TEST_CASE(a_map_throws_the_death_after_all_others_have_been_run) {
  const signals all;
  pool pool(3, {}, fn<&take_signals>, all);
  BOOST_CHECK_EXCEPTION(
      pool.map(deadly_square{20, end::exit_at_once}, boost::irange(0, 60), {.chunk_size = 1}), worker_died,
      [&](const worker_died& death) { return died(cause::exited, 3, 20, *all.victim)(death); });
  BOOST_TEST(*all.count == 59);
}

BOOST_AUTO_TEST_CASE(a_task_is_run_again_as_often_as_it_may_be) {
  const signals all;
  pool pool(2, {}, fn<&take_signals>, all);
  BOOST_TEST(outcome(pool.with({.retries = 2}).submit(fn<&die_first>, 2)) == 2);
  BOOST_TEST(*all.count == 3);
  *all.count = 0;
  BOOST_CHECK_THROW(outcome(pool.with({.retries = 3}).submit(fn<&die_first>, 1000)), worker_died);
  BOOST_TEST(*all.count == 4);
  *all.count = 0;
  BOOST_CHECK_THROW(outcome(pool.submit(fn<&die_first>, 1)), worker_died);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

// A worker that is not asked for a thing that nobody survives is not lost again and again.
BOOST_DATA_TEST_CASE(a_state_that_kills_whoever_makes_it_fails_what_needs_it_after_three_of_them,
                     boost::unit_test::data::make({0, 1}), tasks_of_a_worker) {
  const signals all;
  pool_options options;
  options.max_tasks_per_worker = static_cast<std::size_t>(tasks_of_a_worker);
  pool pool(2, options, fn<&take_signals>, all);
  const auto deadly = pool.with_state<deadly_state>(fn<&make_deadly>, 1000);
  auto results = deadly.imap(fn<&made>, boost::irange(0, 100), {.chunk_size = 1});
  int failed = 0;
  for (auto at = results.begin(); at != results.end(); ++at) {
    BOOST_CHECK_EXCEPTION(*at, worker_died, [](const worker_died& death) {
      return death.why() == cause::killed && death.code() == SIGKILL && death.task() == worker_died::no_task;
    });
    ++failed;
  }
  BOOST_TEST(failed == 100);
  BOOST_TEST(*all.count >= 3);
  BOOST_TEST(*all.count <= 4);  // the other worker may have begun to make it
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_while_it_makes_a_state_has_begun_no_task) {
  const signals all;
  pool pool(1, {}, fn<&take_signals>, all);
  BOOST_TEST(pool.with_state<deadly_state>(fn<&make_deadly>, 2).apply(fn<&made>, 1) == 3);
}

BOOST_AUTO_TEST_CASE(many_poisoned_tasks_leave_the_others_as_they_are) {
  const signals all;
  pool pool(2, {}, fn<&take_signals>, all);
  std::vector<task<std::pair<int, std::int64_t>>> tasks;
  for (int i = 0; i < 60; ++i)
    tasks.push_back(pool.submit(deadly_square{i % 4 == 0 ? i : -1, end::sigkill}, i));
  for (int i = 0; i < 60; ++i) {
    const auto& each = tasks[static_cast<std::size_t>(i)];
    if (i % 4 == 0)
      BOOST_CHECK_THROW(outcome(each), worker_died);
    else
      BOOST_TEST(outcome(each).first == i * i);
  }
}

BOOST_DATA_TEST_CASE(workers_killed_while_they_are_idle_are_replaced_and_nobody_notices, every_start_method,
                     method) {
  pool pool(2, by(method));
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 10)) == squares(10), boost::test_tools::per_element());
  for (int round = 0; round < 8; ++round) {
    for (const std::int64_t pid : pool.pids()) ::kill(static_cast<pid_t>(pid), SIGKILL);
    BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 20), {.chunk_size = 1}) == squares(20),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(more_memory_than_a_worker_may_have_is_an_exception_of_the_task_and_no_death) {
  if (with_shadow_memory) return;
  pool pool(1, {.max_memory = std::size_t{1} << 30U});
  BOOST_TEST(pool.apply(fn<&take_much>, std::size_t{1} << 20U));
  const auto pids = pool.pids();
  BOOST_CHECK_THROW(pool.apply(fn<&take_much>, std::size_t{1} << 31U), std::bad_alloc);
  BOOST_TEST(pool.apply(fn<&take_much>, std::size_t{1} << 20U));
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(arguments_for_which_a_worker_has_no_memory_fail_their_task_and_no_other) {
  if (with_shadow_memory) return;
  pool pool(1, {.max_memory = std::size_t{300} << 20U});
  const std::string large(std::size_t{160} << 20U, 'x');  // the memory it comes in is twice as large
  for (int i = 0; i < 2; ++i) {
    const auto poison = pool.submit(fn<&size_of>, large);
    BOOST_TEST(outcome(pool.submit(fn<&square>, i)) == i * i);
    BOOST_CHECK_THROW(outcome(poison), worker_died);
  }
}

BOOST_AUTO_TEST_CASE(results_for_which_a_worker_has_no_memory_are_an_exception_of_their_items) {
  if (with_shadow_memory) return;
  pool pool(1, {.max_memory = std::size_t{300} << 20U});
  const auto pids = pool.pids();
  // There is no room for them in the memory of the worker, or in that which it shares.
  try {
    pool.map(fn<&make_much>, boost::irange(0, 500), {.chunk_size = 500});
    BOOST_ERROR("there is room for the results");
  } catch (const std::bad_alloc&) {
  } catch (const system_error& problem) {
    BOOST_TEST((problem.code() == std::errc::not_enough_memory));
  }
  BOOST_TEST(pool.map(fn<&make_much>, boost::irange(0, 3), {.chunk_size = 3}).back().front() == 2);
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

// Plain results have no heads; exceptions in their place have.
BOOST_AUTO_TEST_CASE(results_that_cannot_be_sent_are_exceptions_instead) {
  pool pool(1);
  auto results = pool.imap(fn<&close_all_handles>, boost::irange(0, 100), {.chunk_size = 100});
  int count = 0;
  for (auto at = results.begin(); at != results.end(); ++at, ++count) BOOST_REQUIRE_THROW(*at, error);
  BOOST_TEST(count == 100);
}

BOOST_DATA_TEST_CASE(a_task_that_takes_longer_than_it_may_is_killed, every_start_method, method) {
  const signals all;
  pool pool(2, by(method), fn<&take_signals>, all);
  const auto pids = pool.pids();
  BOOST_CHECK_EXCEPTION(outcome(pool.with({.timeout = 1ms}).submit(fn<&hold>, 1)), worker_died,
                        [&](const worker_died& death) {
                          return death.why() == cause::timed_out && death.task() == 0 &&
                                 std::count(pids.begin(), pids.end(), death.pid()) == 1;
                        });
  // Of a chunk it is the item that has the time.
  auto results = pool.with({.timeout = 500ms})
                     .imap(deadly_square{3, end::never}, boost::irange(0, 6), {.chunk_size = 6});
  auto at = results.begin();
  for (int i = 0; i < 6; ++i, ++at) {
    try {
      BOOST_TEST((*at).first == i * i);
      BOOST_TEST(i > 3);
    } catch (const worker_died& death) {  // as on a machine that stops the worker for long
      BOOST_TEST((i <= 3 || death.why() == cause::timed_out));
    }
  }
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 50)) == squares(50), boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.with({.timeout = 1h}).submit(fn<&square>, 5)) == 25);
}

// Callbacks run in the thread that sees the deaths.
BOOST_AUTO_TEST_CASE(a_callback_may_wait_for_a_task_whose_worker_dies) {
  const signals all;
  pool pool(1, {}, fn<&take_signals>, all);
  std::atomic<bool> seen{false};
  pool.submit(fn<&square>, 2).then([&](int) {
    try {
      pool.submit(fn<&die_first>, 1000).get();
    } catch (const worker_died&) {
      seen = true;
    }
  });
  wait_until([&] { return seen.load(); });
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_SUITE_END()
