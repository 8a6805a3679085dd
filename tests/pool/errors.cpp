// SPDX-License-Identifier: BSL-1.0
// Callables of all kinds, and what goes wrong with arguments, results and exceptions: it is the item's, and
// nobody else's.
#include <ferry/dispatch_table.hpp>
#include <ferry/engine.hpp>
#include <ferry/reducer.hpp>

#include "pool/support.hpp"

#include <boost/range/irange.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace {

/// Tells which part of its way it does not survive.
struct fragile {
  enum class at { nowhere, written, rebuilt };
  at breaks = at::nowhere;
  int number = 0;
};

}  // namespace

template <>
struct ferry::reducer<fragile> {
  static constexpr const char* name = "test.pool.fragile";
  static auto reduce(const fragile& given) {
    if (given.breaks == fragile::at::written) throw std::domain_error("breaks when written");
    return std::tuple(static_cast<int>(given.breaks), given.number);
  }
  static fragile rebuild(int breaks, int number) {
    if (breaks == static_cast<int>(fragile::at::rebuilt)) throw std::length_error("breaks when rebuilt");
    return {static_cast<fragile::at>(breaks), number};
  }
};

using namespace ferry;
using namespace ferry::test;

namespace {

int number_of(const fragile& given) {
  return given.number;
}
fragile make_fragile(fragile::at breaks, int number) {
  return {breaks, number};
}
fragile fragile_at_three(int number, fragile::at breaks) {
  return {number == 3 ? breaks : fragile::at::nowhere, number};
}
/// An exception that can be such that it cannot be read where it is caught.
struct broken_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct known_error : std::runtime_error {
  int code;
  known_error(const std::string& text, int c) : std::runtime_error(text), code(c) {}
};
const auto registered = [] {
  dispatch_table& table = dispatch_table::global();
  table.add<known_error>(
      "test.pool.known_error",
      [](const known_error& thrown) { return std::tuple(std::string(thrown.what()), thrown.code); },
      [](const std::string& text, int code) { return known_error(text, code); });
  table.add<broken_error>(
      "test.pool.broken_error",
      [](const broken_error& thrown) { return std::tuple(std::string(thrown.what())); },
      [](const std::string& text) {
        if (text == "unreadable") throw std::logic_error("the exception cannot be rebuilt");
        return broken_error(text);
      });
  return true;
}();

struct unknown_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void throw_known() {
  throw known_error("in its own way", 17);
}
void throw_standard() {
  throw std::out_of_range("standard");
}
void throw_unknown() {
  throw unknown_error("nobody knows me");
}
void throw_unreadable() {
  throw broken_error("unreadable");
}
void throw_number() {
  throw 42;
}

struct point {
  int x = 0, y = 0;
  int sum() const { return x + y; }
};
std::unique_ptr<point> double_it(std::unique_ptr<point> given) {
  return std::make_unique<point>(point{2 * given->x, 2 * given->y});
}
std::size_t take_vector(std::vector<int>&& numbers) {
  return numbers.size();
}
const std::string& give_reference(const std::string& text) {
  return text;
}
void count_up() {
  ++*told()->count;
}

/// Whether that part of a task failed to cross, and of what: of an exception of which type, with which text.
template <class Cause>
auto failed_by(carrying_error::part part, const std::string& text) {
  return [part, text](const carrying_error& caught) {
    if (caught.what_failed() != part) return false;
    try {
      std::rethrow_if_nested(caught);
    } catch (const Cause& nested) {
      return nested.what() == text && std::string(caught.what()).find(text) != std::string::npos;
    } catch (...) {
    }
    return false;
  };
}
using part = carrying_error::part;

/// Cannot be written when its number is three.
struct half {
  int n = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    if constexpr (Archive::is_saving::value)
      if (n == 3) throw std::runtime_error("three is refused");
    archive& n;
  }
};

/// A callable that counts how often it is written, here, and read, in all workers.
struct counting {
  int factor = 1;

  int operator()(int number) const { return factor * number; }
};
std::atomic<int> writes{0};

}  // namespace

template <>
struct ferry::reducer<counting> {
  static constexpr const char* name = "test.pool.counting";
  static auto reduce(const counting& given) {
    ++writes;
    return std::tuple(given.factor);
  }
  static counting rebuild(int factor) {
    if (told() != nullptr) ++*told()->count;
    return {factor};
  }
};

namespace {

/// What a worker keeps from task to task.
struct tally {
  int start = 0, tasks = 0;
};
tally make_tally(int start) {
  ++*told()->count;
  return {start, 0};
}
tally make_no_tally(int start) {
  throw std::out_of_range("no tally of " + std::to_string(start));
}
std::pair<int, std::int64_t> note(tally& state, int number) {
  ++state.tasks;
  return {state.start + number, ::getpid()};
}
int tasks_of(tally& state) {
  return ++state.tasks;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(errors, no_forkserver_left)

BOOST_DATA_TEST_CASE(callables_of_all_kinds_run, every_start_method, method) {
  const signals all;
  pool pool(2, by(method), fn<&take_signals>, all);
  BOOST_TEST(pool.apply([](int a, int b) { return a + b; }, 40, 2) == 42);
  BOOST_TEST(pool.apply([](auto number) { return number + number; }, 21) == 42);
  BOOST_TEST(pool.apply(fn<&point::sum>, point{40, 2}) == 42);
  BOOST_TEST(pool.apply(fn<&give_reference>, "text") == "text");
  pool.apply(fn<&count_up>);
  BOOST_TEST(*all.count == 1);
  pool.map([](int) { ++*told()->count; }, boost::irange(0, 9));
  BOOST_TEST(*all.count == 10);
  int done = 0;
  for (auto results = pool.imap([](int) {}, boost::irange(0, 5)); auto each : results) {
    static_cast<void>(each);
    ++done;
  }
  BOOST_TEST(done == 5);
}

BOOST_AUTO_TEST_CASE(move_only_values_are_arguments_and_results) {
  const pool pool(2);
  const std::unique_ptr<point> doubled =
      pool.submit(fn<&double_it>, std::make_unique<point>(point{1, 2})).get();
  BOOST_TEST(doubled->x + doubled->y == 6);
  std::vector<std::unique_ptr<point>> many;
  for (int i = 0; i < 10; ++i) many.push_back(std::make_unique<point>(point{i, i}));
  const auto results = pool.map(fn<&double_it>, std::move(many));
  BOOST_TEST(results.back()->sum() == 36);
  BOOST_TEST(pool.apply(fn<&take_vector>, std::vector<int>(5)) == 5U);
}

BOOST_AUTO_TEST_CASE(a_callables_state_is_sent_once_a_call_and_worker) {
  const signals all;
  pool pool(2, {}, fn<&take_signals>, all);
  writes = 0;
  const auto results = pool.map(counting{3}, boost::irange(0, 300), {.chunk_size = 1});
  for (int i = 0; i < 300; ++i) BOOST_REQUIRE_EQUAL(results[static_cast<std::size_t>(i)], 3 * i);
  BOOST_TEST(writes == 1);
  BOOST_TEST(*all.count >= 1);
  BOOST_TEST(*all.count <= 2);
}

BOOST_DATA_TEST_CASE(a_worker_makes_its_state_once_and_keeps_it, every_start_method, method) {
  const signals all;
  pool pool(2, by(method), fn<&take_signals>, all);
  const auto with_tally = pool.with_state<tally>(fn<&make_tally>, 100);
  const auto notes = with_tally.map(fn<&note>, boost::irange(0, 50), {.chunk_size = 1});
  for (int i = 0; i < 50; ++i) BOOST_TEST(notes[static_cast<std::size_t>(i)].first == 100 + i);
  BOOST_TEST(*all.count >= 1);
  BOOST_TEST(*all.count <= 2);
  int tasks = 0;
  for (int i = 0; i < 20; ++i) tasks = std::max(tasks, with_tally.apply(fn<&tasks_of>));
  BOOST_TEST(tasks > 10);
  // Another one is another, and a worker that is new makes it anew.
  const auto other = pool.with_state<tally>([](int start) { return tally{2 * start, 0}; }, 4);
  BOOST_TEST(other.apply(fn<&note>, 1).first == 9);
  BOOST_CHECK_THROW(with_tally.apply([](tally&) { ::_exit(3); }), worker_died);
  BOOST_TEST(with_tally.apply(fn<&note>, 5).first == 105);
}

BOOST_AUTO_TEST_CASE(an_exception_from_making_a_state_is_thrown_by_each_task_that_needs_it) {
  const pool pool(2);
  const auto without = pool.with_state<tally>(fn<&make_no_tally>, 7);
  for (int i = 0; i < 5; ++i)
    BOOST_CHECK_EXCEPTION(without.apply(fn<&tasks_of>), std::out_of_range, says("no tally of 7"));
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

// conformance: _TestPool.test_wrapped_exception, _TestPool.test_traceback
// conformance: test_process_pool.ProcessPoolExecutorTest
BOOST_DATA_TEST_CASE(exceptions_arrive_as_what_they_are, every_start_method, method) {
  const pool pool(1, by(method));
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&throw_known>), known_error,
                        [](const known_error& caught) { return caught.code == 17; });
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&throw_standard>), std::out_of_range, says("standard"));
  const std::int64_t worker = pool.pids().front();
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&throw_unknown>), remote_error, [&](const remote_error& caught) {
    return caught.text() == "nobody knows me" && caught.origin() == worker &&
           caught.type_name().find("unknown_error") != std::string::npos;
  });
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&throw_number>), remote_error, [&](const remote_error& caught) {
    return caught.origin() == worker && caught.type_name().find("int") != std::string::npos;
  });
  BOOST_TEST(pool.pids().front() == worker);
}

// known failure 6: an exception that cannot be read kills the thread that reads results
// conformance: test_deadlock.ExecutorDeadlockTest
BOOST_DATA_TEST_CASE(a_value_that_breaks_on_its_way_is_an_error_of_its_task_alone, every_start_method,
                     method) {
  const pool pool(2, by(method));
  const auto pids = pool.pids();
  using at = fragile::at;
  BOOST_TEST(pool.apply(fn<&number_of>, fragile{at::nowhere, 5}) == 5);
  BOOST_CHECK_EXCEPTION(pool.submit(fn<&number_of>, fragile{at::written, 5}), std::domain_error,
                        says("breaks when written"));
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&number_of>, fragile{at::rebuilt, 5}), carrying_error,
                        failed_by<std::length_error>(part::arguments_read, "breaks when rebuilt"));
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&make_fragile>, at::written, 5), carrying_error,
                        failed_by<std::domain_error>(part::result_written, "breaks when written"));
  const auto unreadable = pool.submit(fn<&make_fragile>, at::rebuilt, 5);
  for (int i = 0; i < 2; ++i)
    BOOST_CHECK_EXCEPTION(outcome(unreadable), carrying_error,
                          failed_by<std::length_error>(part::result_read, "breaks when rebuilt"));
  BOOST_CHECK_THROW(pool.apply(fn<&throw_unreadable>), std::exception);
  BOOST_TEST(pool.map(fn<&square>, std::vector{1, 2, 3}).back() == 9);
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

// known failure 6: a task that cannot be read by the worker is lost
BOOST_AUTO_TEST_CASE(a_value_that_breaks_inside_a_chunk_is_an_error_of_its_item_alone) {
  const pool pool(2);
  using at = fragile::at;
  for (const std::size_t chunk : {1U, 4U, 10U}) {
    for (const at where : {at::written, at::rebuilt}) {
      std::vector<std::tuple<int, at>> input;
      for (int i = 0; i < 10; ++i) input.emplace_back(i, where);
      BOOST_CHECK_THROW(pool.starmap(fn<&fragile_at_three>, input, {.chunk_size = chunk}), carrying_error);
    }
    std::vector<fragile> input;
    for (int i = 0; i < 10; ++i) input.push_back({i == 3 ? at::rebuilt : at::nowhere, i});
    auto results = pool.imap(fn<&number_of>, input, {.chunk_size = chunk});
    int next = 0;
    for (auto item = results.begin(); item != results.end(); ++item, ++next) {
      if (next == 3)
        BOOST_CHECK_EXCEPTION(*item, carrying_error,
                              failed_by<std::length_error>(part::arguments_read, "breaks when rebuilt"));
      else
        BOOST_TEST(*item == next);
    }
    BOOST_TEST(next == 10);
    // The caller cannot write one: what was before it comes, and then the error.
    input[3].breaks = at::written;
    auto cut = pool.imap(fn<&number_of>, input, {.chunk_size = chunk});
    auto item = cut.begin();
    for (int i = 0; i < 3; ++i, ++item) BOOST_TEST(*item == i);
    BOOST_CHECK_THROW(*item, std::domain_error);
  }
}

BOOST_AUTO_TEST_CASE(a_callable_that_breaks_on_its_way_is_an_error_of_its_tasks_alone) {
  struct breaking {
    fragile state;
    int operator()(int number) const { return state.number + number; }
  };
  const pool pool(2);
  BOOST_TEST(pool.apply(breaking{{fragile::at::nowhere, 2}}, 3) == 5);
  BOOST_CHECK_THROW(pool.submit(breaking{{fragile::at::written, 2}}, 3), std::domain_error);
  BOOST_CHECK_THROW(pool.apply(breaking{{fragile::at::rebuilt, 2}}, 3), std::length_error);
  BOOST_CHECK_THROW(pool.map(breaking{{fragile::at::rebuilt, 2}}, boost::irange(0, 9)), std::length_error);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_CASE(whether_the_task_or_its_carrying_failed_is_told_by_the_type) {
  const pool pool(1);
  const auto give_half = [](int n) { return half{n}; };
  const auto refuse = [](int) -> int { throw std::runtime_error("three is refused"); };
  BOOST_TEST(pool.apply(give_half, 2).n == 2);
  BOOST_CHECK_EXCEPTION(pool.apply(give_half, 3), carrying_error,
                        failed_by<std::runtime_error>(part::result_written, "three is refused"));
  try {
    pool.map(give_half, boost::irange(0, 5), {.chunk_size = 5});
    BOOST_ERROR("nothing was thrown");
  } catch (const carrying_error& caught) {
    BOOST_TEST(caught.task() == 3U);
    BOOST_TEST(caught.task_was_run());
    BOOST_CHECK(says("the result of task 3, a '")(caught));
    BOOST_CHECK(says("half', could not be written by the worker: three is refused")(caught));
  }
  try {
    pool.apply(refuse, 3);
    BOOST_ERROR("nothing was thrown");
  } catch (const carrying_error&) {
    BOOST_ERROR("the task itself has failed");
  } catch (const std::runtime_error& caught) {
    BOOST_TEST(caught.what() == std::string("three is refused"));
  }
}

BOOST_AUTO_TEST_CASE(exceptions_of_tasks_that_touch_files_and_have_causes_arrive_as_what_they_are) {
  const pool pool(1);
  BOOST_CHECK_THROW(pool.apply([] { return std::filesystem::file_size("/no/such"); }),
                    std::filesystem::filesystem_error);
  try {
    pool.apply([]() -> int {
      try {
        throw std::out_of_range("cause");
      } catch (...) {
        std::throw_with_nested(std::invalid_argument("effect"));
      }
    });
    BOOST_ERROR("nothing was thrown");
  } catch (const std::invalid_argument& caught) {
    BOOST_TEST(caught.what() == std::string("effect"));
    BOOST_CHECK_THROW(std::rethrow_if_nested(caught), std::out_of_range);
  }
}

BOOST_AUTO_TEST_CASE(more_than_the_limits_allow_is_an_error_of_its_task) {
  pool_options options;
  options.limit.bytes = 100'000;
  const pool pool(1, options);
  const std::vector<int> much(100'000);
  BOOST_CHECK_THROW(pool.apply([](const std::vector<int>& all) { return all.size(); }, much), limit_exceeded);
  BOOST_CHECK_THROW(
      pool.apply([](int count) { return std::vector<int>(static_cast<std::size_t>(count)); }, 100'000),
      carrying_error);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

// conformance: test_deadlock.ExecutorDeadlockTest
// known failure 7: a worker that dies during a large write is a deadlock
BOOST_AUTO_TEST_CASE(much_data_passes_and_a_worker_that_dies_of_it_is_an_error) {
  const pool pool(2);
  const std::size_t size = std::size_t{20} << 20U;
  const auto echoed = pool.apply([](const std::string& text) { return text; }, std::string(size, 'x'));
  BOOST_TEST(echoed.size() == size);
  std::vector<task<std::size_t>> dying;
  for (int i = 0; i < 6; ++i) {
    dying.push_back(pool.submit(
        [](const std::string& text) {
          ::_exit(1);
          return text.size();
        },
        std::string(size, 'x')));
  }
  for (const auto& each : dying) BOOST_CHECK_THROW(outcome(each), worker_died);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_CASE(a_pool_of_threads_has_the_same_errors) {
  const pool pool(2, of_threads());
  using at = fragile::at;
  BOOST_CHECK_THROW(pool.apply(fn<&throw_known>), known_error);
  BOOST_CHECK_THROW(pool.apply(fn<&throw_unknown>), remote_error);
  BOOST_CHECK_THROW(pool.apply(fn<&number_of>, fragile{at::rebuilt, 5}), carrying_error);
  BOOST_CHECK_THROW(pool.apply(fn<&make_fragile>, at::rebuilt, 5), carrying_error);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

// known failure 6: a callback that throws ends the pool
BOOST_AUTO_TEST_CASE(a_callback_that_throws_concerns_nobody_else) {
  const pool pool(1);
  event called;
  const auto one = pool.submit(fn<&square>, 2);
  one.then([](int) { throw std::runtime_error("a callback fails"); });
  one.then([](int) { throw 42; });
  pool.submit(fn<&throw_standard>)
      .then([] {}, [](const std::exception_ptr& why) { std::rethrow_exception(why); });
  pool.submit(fn<&square>, 3).then([&](int) { called.set(); });
  BOOST_REQUIRE(called.wait_for(patience));
  BOOST_TEST(outcome(one) == 4);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
}

BOOST_AUTO_TEST_SUITE_END()
