// SPDX-License-Identifier: BSL-1.0
// The ways to call: what comes back, in which order, and by what engine and start method.
#include <ferry/engine.hpp>

#include "pool/support.hpp"

#include <boost/range/adaptor/transformed.hpp>
#include <boost/range/irange.hpp>
#include <boost/range/istream_range.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <tuple>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}
std::string in_words(int number) {
  return std::to_string(number);
}
std::int64_t own_pid(int) {
  return ::getpid();
}
int fail_at_three(int number) {
  if (number == 3) throw std::out_of_range("three");
  return number;
}

template <class Range>
std::vector<int> all_of(Range&& results) {
  std::vector<int> all;
  for (const int each : results) all.push_back(each);
  return all;
}

/// What the workers of a pool are.
struct kind {
  const char* name;
  pool_options options;
};
std::ostream& operator<<(std::ostream& out, const kind& shown) {
  return out << shown.name;
}
/// The thread sanitizer sees nothing of what other processes do.
std::vector<kind> all_kinds() {
  std::vector<kind> all{{"threads", of_threads()}};
  if (with_thread_sanitizer) return all;
  for (const start_method method : {start_method::spawn, start_method::fork, start_method::forkserver})
    all.push_back({to_string(method), by(method)});
  return all;
}
const auto every_kind = boost::unit_test::data::make(all_kinds());

/// Numbers, and at one of them an exception.
auto failing_input(int count, int at) {
  return boost::irange(0, count) | boost::adaptors::transformed([at](int number) {
           if (number == at) throw std::domain_error("the input fails");
           return number;
         });
}

/// Counts down to 1, by an iterator as that of std::views::istream: there is one of it, and it can be moved.
class countdown {
 public:
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(int at) : at_(at) {}
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;
    int operator*() const { return at_; }
    iterator& operator++() {
      --at_;
      return *this;
    }
    void operator++(int) { --at_; }
    bool operator==(std::default_sentinel_t) const { return at_ == 0; }

   private:
    int at_;
  };
  explicit countdown(int from) : from_(from) {}
  iterator begin() const { return iterator(from_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  int from_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(calls, no_forkserver_left)

// conformance: _TestPool.test_map
// conformance: executor.ExecutorTest
BOOST_DATA_TEST_CASE(map_keeps_the_order, every_kind, workers) {
  const pool pool(3, workers.options);
  for (const std::size_t chunk : {0U, 1U, 7U, 20U, 1000U})
    BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 200), {.chunk_size = chunk}) == squares(200),
               boost::test_tools::per_element());
  BOOST_TEST(pool.map(fn<&square>, std::list<int>{3, 2, 1}) == (std::vector{9, 4, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(pool.map(fn<&square>, std::vector<int>()).empty());
  std::istringstream text("1 2 3 4");
  BOOST_TEST(pool.map(fn<&square>, boost::istream_range<int>(text)) == (std::vector{1, 4, 9, 16}),
             boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(a_bound_callable_is_mapped_over_the_rest_of_its_arguments, every_kind, workers) {
  const pool pool(2, workers.options);
  const std::vector<std::string> expected{"", "ab", "abab"};
  BOOST_TEST(pool.map(ferry::bind_front(fn<&repeat>, "ab"), {0, 1, 2}) == expected,
             boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.map_async(ferry::bind_front(fn<&repeat>, std::string("ab")),
                                    std::vector{0, 1, 2})) == expected,
             boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.submit(ferry::bind_front(fn<&repeat>, "ab", 2))) == "abab");
}

BOOST_DATA_TEST_CASE(a_list_in_braces_is_an_input, every_kind, workers) {
  const pool pool(2, workers.options);
  BOOST_TEST(pool.map(fn<&square>, {1, 2, 3}) == (std::vector{1, 4, 9}), boost::test_tools::per_element());
  BOOST_TEST(pool.starmap(fn<&repeat>, {std::tuple("a", 2)}).front() == "aa");
  BOOST_TEST(all_of(pool.imap(fn<&square>, {4, 5})) == (std::vector{16, 25}),
             boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(a_task_whose_parameter_is_a_view_sees_what_was_sent, every_kind, workers) {
  const pool pool(2, workers.options);
  const std::vector<std::string> texts{"one", "three"};
  BOOST_TEST(
      pool.map([](std::string_view text) { return text.size(); }, texts) == (std::vector<std::size_t>{3, 5}),
      boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(the_end_of_calls_that_give_nothing_is_waited_for, every_kind, workers) {
  const signals all;
  const pool pool(2, workers.options, fn<&take_signals>, all);
  const task<void> counted = pool.map_async([](int number) { *told()->count += number; }, {1, 2, 3});
  BOOST_TEST(counted.wait_for(patience));
  counted.get();
  BOOST_TEST(all.count->load() == 6);
  const task<void> failed =
      pool.map_async([](int number) { static_cast<void>(fail_at_three(number)); }, {2, 3});
  BOOST_CHECK_THROW(failed.get(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(an_input_whose_iterator_can_only_be_moved_is_read_to_its_end) {
  const pool pool(2);
  BOOST_TEST(pool.map(fn<&square>, countdown(4)) == (std::vector{16, 9, 4, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(pool.map(fn<&in_words>, countdown(3)) == (std::vector<std::string>{"3", "2", "1"}),
             boost::test_tools::per_element());
}

// conformance: _TestPool.test_starmap, _TestPool.test_starmap_async, _TestPool.test_map_async
BOOST_DATA_TEST_CASE(starmap_unpacks_tuples_and_the_asynchronous_forms_give_the_same, every_kind, workers) {
  const pool pool(2, workers.options);
  std::vector<std::tuple<std::string, int>> input;
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    input.emplace_back(std::to_string(i), i % 3);
    expected.push_back(repeat(std::to_string(i), i % 3));
  }
  BOOST_TEST(pool.starmap(fn<&repeat>, input) == expected, boost::test_tools::per_element());
  BOOST_TEST(pool.starmap(fn<&repeat>, input, {.chunk_size = 4}) == expected,
             boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.starmap_async(fn<&repeat>, input)) == expected, boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.map_async(fn<&square>, boost::irange(0, 100))) == squares(100),
             boost::test_tools::per_element());
  BOOST_TEST(outcome(pool.map_async(fn<&square>, std::vector<int>())).empty());
  const std::vector<std::pair<std::string, int>> pairs{{"a", 2}};
  BOOST_TEST(pool.starmap(fn<&repeat>, pairs).front() == "aa");
}

// conformance: _TestPool.test_async, _TestPool.test_async_timeout
// conformance: test_wait
BOOST_DATA_TEST_CASE(a_task_is_waited_for_as_long_as_one_likes, every_kind, workers) {
  const signals all;
  pool pool(2, workers.options, fn<&take_signals>, all);
  const task<int> held = pool.submit(fn<&hold>, 7);
  BOOST_TEST(!held.ready());
  BOOST_TEST(!held.wait_for(1ms));
  wait_until([&] { return *all.count == 1; });
  BOOST_TEST(outcome(pool.submit(fn<&square>, 5)) == 25);
  BOOST_TEST(!held.wait_until(deadline::immediately()));
  all.go.set();
  BOOST_TEST(held.wait_for(patience));
  BOOST_TEST(held.ready());
  BOOST_TEST(held.get() == 7);
  BOOST_TEST(held.get() == 7);  // as often as one likes
  BOOST_TEST(pool.apply(fn<&square>, 4) == 16);
}

// conformance: _TestPool.test_map_async_callbacks, _TestPoolWorkerErrors.test_async_error_callback
// conformance: test_future
BOOST_DATA_TEST_CASE(callbacks_are_called_once_with_what_came, every_kind, workers) {
  const pool pool(2, workers.options);
  std::atomic<int> done{0}, failed{0};
  std::vector<int> result;
  const auto on_failure = [&](const std::exception_ptr& why) {  // Boost.Test is for the main thread alone
    try {
      std::rethrow_exception(why);
    } catch (const std::out_of_range&) {
      ++failed;
    }
  };
  const auto good = pool.map_async(fn<&square>, boost::irange(0, 10));
  good.then(
      [&](const std::vector<int>& all) {
        result = all;
        ++done;
      },
      on_failure);
  wait_until([&] { return done == 1; });
  BOOST_TEST(result == squares(10), boost::test_tools::per_element());
  const auto bad = pool.map_async(fn<&fail_at_three>, boost::irange(0, 10));
  bad.then([&](const std::vector<int>&) { ++done; }, on_failure);
  const auto one = pool.submit(fn<&fail_at_three>, 3);
  one.then([&](int) { ++done; }, on_failure);
  BOOST_CHECK_THROW(outcome(bad), std::out_of_range);
  BOOST_CHECK_THROW(outcome(one), std::out_of_range);
  wait_until([&] { return failed == 2; });
  // Of a task that is done, too.
  one.then([&](int) { ++done; }, on_failure);
  wait_until([&] { return failed == 3; });
  BOOST_TEST(done == 1);
}

// conformance: _TestPool.test_map_handle_iterable_exception
BOOST_DATA_TEST_CASE(an_exception_of_the_input_of_a_map_is_thrown_and_the_pool_goes_on, every_kind, workers) {
  const pool pool(2, workers.options);
  for (const std::size_t chunk : {0U, 1U, 3U})
    for (const int at : {0, 5, 9})
      BOOST_CHECK_EXCEPTION(pool.map(fn<&square>, failing_input(10, at), {.chunk_size = chunk}),
                            std::domain_error, says("the input fails"));
  BOOST_CHECK_THROW(pool.map_async(fn<&square>, failing_input(10, 7)), std::domain_error);
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 10)) == squares(10), boost::test_tools::per_element());
}

// conformance: _TestPool.test_imap, _TestPool.test_imap_unordered
// conformance: test_as_completed
BOOST_DATA_TEST_CASE(imap_gives_all_results_in_order_or_as_they_come, every_kind, workers) {
  const pool pool(3, workers.options);
  for (const std::size_t chunk : {0U, 1U, 100U}) {
    BOOST_TEST(all_of(pool.imap(fn<&square>, boost::irange(0, 500), {.chunk_size = chunk})) == squares(500),
               boost::test_tools::per_element());
    std::vector<int> found =
        all_of(pool.imap_unordered(fn<&square>, boost::irange(0, 500), {.chunk_size = chunk}));
    std::sort(found.begin(), found.end());
    BOOST_TEST(found == squares(500), boost::test_tools::per_element());
  }
  auto none = pool.imap(fn<&square>, std::vector<int>());
  BOOST_TEST((none.begin() == none.end()));
}

// conformance: _TestPool.test_imap_handle_iterable_exception
// conformance: _TestPool.test_imap_unordered_handle_iterable_exception
BOOST_DATA_TEST_CASE(an_imap_gives_what_was_before_the_failure_of_its_input, every_kind, workers) {
  const pool pool(2, workers.options);
  for (const std::size_t chunk : {0U, 1U, 2U, 4U}) {
    auto results = pool.imap(fn<&square>, failing_input(20, 7), {.chunk_size = chunk});
    auto at = results.begin();
    for (int i = 0; i < 7; ++i, ++at) BOOST_TEST(*at == i * i);
    BOOST_CHECK_EXCEPTION(*at, std::domain_error, says("the input fails"));
    ++at;
    BOOST_TEST((at == results.end()));

    std::multiset<int> found;
    auto any = pool.imap_unordered(fn<&square>, failing_input(20, 7), {.chunk_size = chunk});
    BOOST_CHECK_THROW(for (const int each : any) found.insert(each), std::domain_error);
    for (const int each : found) BOOST_TEST(std::ranges::count(squares(7), each) == 1);
  }
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

// known failure 8: a pool that replaces its workers now and then hangs
// conformance: _TestPoolWorkerLifetime.test_pool_worker_lifetime
BOOST_DATA_TEST_CASE(workers_that_have_done_enough_are_replaced, every_start_method, method) {
  pool_options options = by(method);
  options.max_tasks_per_worker = 10;
  const pool pool(3, options);
  const auto pids = pool.map(fn<&own_pid>, boost::irange(0, 100), {.chunk_size = 1});
  std::map<std::int64_t, int> tasks;
  for (const std::int64_t pid : pids) ++tasks[pid];
  for (const auto& [pid, count] : tasks) BOOST_TEST(count <= 10);
  BOOST_TEST(tasks.size() >= 10U);
  wait_until([&] {
    const auto now = pool.pids();
    return now.size() == 3 && std::ranges::none_of(now, [&](std::int64_t pid) { return tasks[pid] == 10; });
  });
}

// conformance: test_process_pool.ProcessPoolExecutorTest
BOOST_AUTO_TEST_CASE(a_worker_stays_until_it_has_done_enough) {
  const pool pool(1, {.max_tasks_per_worker = 3});
  std::vector<std::int64_t> pids;
  for (int i = 0; i < 7; ++i) pids.push_back(pool.apply(fn<&own_pid>, i));
  for (const std::size_t same : {1U, 2U, 4U, 5U}) BOOST_TEST(pids[same] == pids[same - 1]);
  for (const std::size_t other : {3U, 6U}) BOOST_TEST(pids[other] != pids[other - 1]);
}

// conformance: _TestPoolWorkerLifetime.test_pool_worker_lifetime_early_close
BOOST_DATA_TEST_CASE(a_pool_that_replaces_its_workers_does_all_after_an_early_close, every_start_method,
                     method) {
  pool_options options = by(method);
  options.max_tasks_per_worker = 1;
  pool pool(3, options);
  std::vector<task<int>> tasks;
  for (int i = 0; i < 6; ++i) tasks.push_back(pool.submit(fn<&square>, i));
  pool.close();
  BOOST_REQUIRE(pool.join_for(patience));
  for (int i = 0; i < 6; ++i) BOOST_TEST(tasks[static_cast<std::size_t>(i)].get() == i * i);
}

// known failure 8: a pool that replaces its workers now and then hangs
BOOST_AUTO_TEST_CASE(workers_are_replaced_under_load_from_all_sides) {
  const pool pool(2, {.max_tasks_per_worker = 2});
  std::vector<task<int>> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(pool.submit(fn<&square>, i));
  for (int i = 0; i < 200; ++i) BOOST_REQUIRE_EQUAL(outcome(tasks[static_cast<std::size_t>(i)]), i * i);
}

// conformance: test_process_pool.ProcessPoolExecutorTest
BOOST_AUTO_TEST_CASE(a_pool_under_load_has_no_more_workers_and_one_at_rest_uses_those_it_has) {
  const signals all;
  pool pool(3, {}, fn<&take_signals>, all);
  const auto pids = pool.pids();
  std::vector<task<int>> tasks;
  for (int i = 0; i < 45; ++i) tasks.push_back(pool.submit(fn<&hold>, i));
  wait_until([&] { return *all.count == 3; });
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
  all.go.set();
  for (int i = 0; i < 45; ++i) BOOST_TEST(outcome(tasks[static_cast<std::size_t>(i)]) == i);
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

// conformance: MiscTestCase.test_large_pool
BOOST_AUTO_TEST_CASE(a_pool_may_have_two_hundred_workers) {
  const pool pool(200, by(start_method::fork));
  BOOST_TEST(pool.map(fn<&square>, boost::irange(0, 1000)) == squares(1000),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pool_of_threads_knows_no_timeouts) {
  const pool pool(2, of_threads());
  BOOST_CHECK_EXCEPTION(pool.with({.timeout = 1s}), error, says("workers that can be killed"));
  BOOST_TEST(pool.with({.retries = 1}).apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_SUITE_END()
