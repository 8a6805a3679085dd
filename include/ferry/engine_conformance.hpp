// SPDX-License-Identifier: BSL-1.0
// Tests that every engine of pools has to pass, for whoever writes one.
#pragma once

#include <ferry/conformance.hpp>
#include <ferry/connection.hpp>
#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/fn.hpp>
#include <ferry/pool.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/task.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ferry::conformance {

/// Makes the engine that is tried: a new one, or the same each time.
using make_engine = std::function<std::shared_ptr<engine>()>;

/// A test: it returns, or throws `failure` or what the pool throws. Its workers are those of the engine;
/// where they are other processes, they run this program, whose `main` calls `ferry::init`.
struct engine_case {
  std::string_view name;
  void (*run)(const make_engine& make);
};

/// What the tests have workers do.
namespace tasks {

inline int square(int number) {
  return number * number;
}
inline int complain(int number) {
  if (number % 3 == 0) throw std::out_of_range("divisible by three");
  return number;
}
inline std::size_t size_of(const std::string& text) {
  return text.size();
}
inline std::string text_of(std::size_t size) {
  return std::string(size, 'y');
}
inline int die(int code) {
  std::_Exit(code);
}
inline int wait_for_word(connection from) {
  return from.recv<int>();
}
inline void wait_for_ever() {
  auto [here, there] = pipe();
  here.recv_message();
}
inline std::atomic<int>& noted() {
  static std::atomic<int> number = 0;
  return number;
}
inline void note(int number) {
  noted() = number;
}
inline int noted_and(int number) {
  return noted() + number;
}
inline void fail_to_begin(const std::string& why) {
  throw std::domain_error(why);
}

}  // namespace tasks

namespace cases {

inline pool_options by(const make_engine& make) {
  pool_options options;
  options.engine = make();
  require(options.engine != nullptr, "there is no engine");
  return options;
}
inline std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}
/// The result of a task that has to be done soon.
template <class R>
R outcome(const task<R>& of) {
  require(of.wait_for(patience), "a task is not done");
  return of.get();
}
inline void end(pool& workers) {
  workers.close();
  require(workers.join_for(patience), "the workers of a closed pool do not end");
}

inline void results_come_back_in_order(const make_engine& make) {
  pool workers(3, by(make));
  const std::vector<int> results = workers.map(fn<&tasks::square>, numbers(2000));
  require(results.size() == 2000, "there are more or fewer results than tasks");
  for (int i = 0; i < 2000; ++i)
    require(results[static_cast<std::size_t>(i)] == i * i, "a result is that of another task");
  end(workers);
}

inline void single_tasks_come_back(const make_engine& make) {
  pool workers(2, by(make));
  for (int i = 0; i < 100; ++i)
    require(outcome(workers.submit(fn<&tasks::square>, i)) == i * i, "a result is that of another task");
  end(workers);
}

inline void large_arguments_and_results_cross(const make_engine& make) {
  pool workers(1, by(make));
  constexpr std::size_t size = std::size_t{8} << 20U;
  require(outcome(workers.submit(fn<&tasks::size_of>, std::string(size, 'x'))) == size,
          "a large argument came other than it was sent");
  require(outcome(workers.submit(fn<&tasks::text_of>, size)) == std::string(size, 'y'),
          "a large result came other than it was sent");
  end(workers);
}

inline void exceptions_of_tasks_come_back(const make_engine& make) {
  pool workers(2, by(make));
  for (int i = 0; i < 9; ++i) {
    const task<int> each = workers.submit(fn<&tasks::complain>, i);
    if (i % 3 == 0)
      require(throws<std::out_of_range>([&] { outcome(each); }), "an exception did not come as its type");
    else
      require(outcome(each) == i, "a task beside one that throws is lost");
  }
  end(workers);
}

inline void initializer_runs_before_all_tasks(const make_engine& make) {
  tasks::noted() = 0;  // where workers are threads, it is theirs
  pool workers(2, by(make), fn<&tasks::note>, 100);
  for (const int each : workers.map(fn<&tasks::noted_and>, numbers(50)))
    require(each >= 100, "a task ran before the initializer of its worker");
  end(workers);
}

inline void initializer_that_throws_ends_the_pool_with_what_it_threw(const make_engine& make) {
  pool workers(1, by(make), fn<&tasks::fail_to_begin>, std::string("no way in"));
  const auto ends_with = [&](const char* text) {
    try {
      outcome(workers.submit(fn<&tasks::square>, 2));
    } catch (const std::exception& problem) {
      return std::string(problem.what()).find(text) != std::string::npos;
    }
    return false;
  };
  require(ends_with("no way in"), "a pool whose workers cannot begin does not say why");
}

inline void worker_is_replaced_after_its_last_task(const make_engine& make) {
  pool_options options = by(make);
  options.max_tasks_per_worker = 3;
  pool workers(2, options);
  require(workers.map(fn<&tasks::square>, numbers(30), {.chunk_size = 1}).back() == 29 * 29,
          "tasks are lost where workers are replaced");
  end(workers);
}

inline void handles_cross_or_are_refused_with_the_name_of_the_engine(const make_engine& make) {
  const pool_options options = by(make);
  pool workers(1, options);
  auto [here, there] = pipe();
  if (!options.engine->carries_handles()) {
    try {
      outcome(workers.submit(fn<&tasks::wait_for_word>, there));
      throw failure("an engine that says it does not carry handles takes some");
    } catch (const transfer_error& problem) {
      require(std::string_view(problem.what()).find(options.engine->name()) != std::string_view::npos,
              "a refusal of handles does not name the engine");
    }
  } else {
    const task<int> waiting = workers.submit(fn<&tasks::wait_for_word>, there);
    here.send(42);
    require(outcome(waiting) == 42, "a handle arrived that is another object");
  }
  require(outcome(workers.submit(fn<&tasks::square>, 3)) == 9, "handles keep a worker from its next task");
  end(workers);
}

inline void death_of_a_worker_fails_the_task_that_it_ran_and_no_other(const make_engine& make) {
  const pool_options options = by(make);
  if (!options.engine->can_kill()) return;
  pool workers(2, options);
  for (int code = 1; code < 4; ++code) {
    const task<int> dying = workers.submit(fn<&tasks::die>, code);
    const std::vector<int> others = workers.map(fn<&tasks::square>, numbers(200));
    require(others.back() == 199 * 199, "a task is lost with a worker that did not run it");
    try {
      outcome(dying);
      throw failure("a task whose worker ended has a result");
    } catch (const worker_died& problem) {
      require(problem.why() == worker_died::cause::lost || problem.code() == code,
              "the end of a worker is told otherwise than it was");
    }
  }
  end(workers);
}

inline void task_that_takes_too_long_is_ended(const make_engine& make) {
  const pool_options options = by(make);
  pool workers(1, options);
  const auto calls = [&] { return workers.with({.timeout = std::chrono::milliseconds(100)}); };
  if (!options.engine->can_kill()) {
    require(throws<usage_error>([&] { calls().submit(fn<&tasks::wait_for_ever>); }),
            "an engine that cannot end tasks takes a timeout");
  } else {
    const task<void> endless = calls().submit(fn<&tasks::wait_for_ever>);
    require(throws<worker_died>([&] { outcome(endless); }), "a timeout is not kept to");
  }
  require(outcome(workers.submit(fn<&tasks::square>, 3)) == 9, "no worker runs after a timeout");
  end(workers);
}

inline void pool_that_is_destroyed_gives_up_what_has_not_begun(const make_engine& make) {
  auto [here, there] = pipe();
  std::vector<task<int>> waiting;
  {
    const pool_options options = by(make);
    if (!options.engine->carries_handles()) return;
    pool workers(1, options);
    for (int i = 0; i < 5; ++i) waiting.push_back(workers.submit(fn<&tasks::wait_for_word>, there));
    here.send(7);
    require(outcome(waiting.front()) == 7, "a task is not begun");
    for (int left = 0; left < 4; ++left) here.send(8);
  }
  for (const task<int>& each : waiting) require(each.ready(), "a task of a destroyed pool is still open");
}

}  // namespace cases

/// All tests, each to be run by itself.
inline std::span<const engine_case> engine_cases() {
  using namespace cases;
  static constexpr std::array all{
      engine_case{"results_come_back_in_order", &results_come_back_in_order},
      engine_case{"single_tasks_come_back", &single_tasks_come_back},
      engine_case{"large_arguments_and_results_cross", &large_arguments_and_results_cross},
      engine_case{"exceptions_of_tasks_come_back", &exceptions_of_tasks_come_back},
      engine_case{"initializer_runs_before_all_tasks", &initializer_runs_before_all_tasks},
      engine_case{"initializer_that_throws_ends_the_pool_with_what_it_threw",
                  &initializer_that_throws_ends_the_pool_with_what_it_threw},
      engine_case{"worker_is_replaced_after_its_last_task", &worker_is_replaced_after_its_last_task},
      engine_case{"handles_cross_or_are_refused_with_the_name_of_the_engine",
                  &handles_cross_or_are_refused_with_the_name_of_the_engine},
      engine_case{"death_of_a_worker_fails_the_task_that_it_ran_and_no_other",
                  &death_of_a_worker_fails_the_task_that_it_ran_and_no_other},
      engine_case{"task_that_takes_too_long_is_ended", &task_that_takes_too_long_is_ended},
      engine_case{"pool_that_is_destroyed_gives_up_what_has_not_begun",
                  &pool_that_is_destroyed_gives_up_what_has_not_begun},
  };
  return all;
}

}  // namespace ferry::conformance
