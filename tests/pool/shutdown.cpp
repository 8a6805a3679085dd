// SPDX-License-Identifier: BSL-1.0
// How pools begin and end.
#include <ferry/connection.hpp>
#include <ferry/engine.hpp>

#include "os/socket.hpp"
#include "pool/support.hpp"
#include "support/leaks.hpp"

#include <boost/range/irange.hpp>

#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

[[noreturn]] int run_for_ever() {
  ++*told()->count;
  for (;;) ::pause();
}
/// Is killed in the middle of its own end.
[[noreturn]] int exit_when_let_go() {
  ++*told()->count;
  told()->go.wait();
  ::_exit(3);
}

void refuse(const signals& given) {
  ++*given.count;
  throw std::out_of_range("this worker is not willing");
}
void refuse_into(start_method method, signals all, unique_handle pipe_end) {
  ::dup2(pipe_end.native(), STDERR_FILENO);
  pipe_end.reset();
  pool pool(2, by(method), fn<&refuse>, all);
  try {
    pool.map(fn<&square>, boost::irange(0, 10));
  } catch (const std::out_of_range&) {
    pool.join();
  }
}
void die_at_start(const signals& given) {
  ++*given.count;
  ::raise(SIGKILL);
}
/// The second worker and those that come after it.
void refuse_after_the_first(const signals& given) {
  take_signals(given);
  if (++*given.victim > 1) throw std::out_of_range("this worker is not willing");
}
int hold_and_die(int number) {
  hold(number);
  ::raise(SIGKILL);
  return number;
}
[[noreturn]] int die() {
  ::raise(SIGKILL);
  ::_exit(1);
}
void be_deaf(const signals& given) {
  take_signals(given);
  ::signal(SIGTERM, SIG_IGN);
}

void keep_line(connection end, const signals& given) {
  static connection kept;
  kept = std::move(end);
  take_signals(given);
}

/// A worker that is ready and dies at once.
class stillborn final : public worker_link {
 public:
  stillborn() { gone_.second.close(); }
  bool send(const message_view&) override {
    ++sent_;
    return true;
  }
  std::optional<std::size_t> recall(std::size_t) override { return std::exchange(sent_, 0); }
  void finish() override {}
  bool receive(message&, const limits&) override { return false; }
  worker_progress progress() const noexcept override { return {.ready = true}; }
  void terminate() noexcept override {}
  void kill() noexcept override {}
  native_handle_type native_handle() const override { return gone_.first.native_handle(); }
  std::optional<worker_end> ended() override { return worker_end{worker_end::kind::killed, SIGKILL}; }
  std::int64_t pid() const noexcept override { return 0; }

 private:
  std::size_t sent_ = 0;
  std::pair<connection, connection> gone_ = pipe();
};

class engine_of_stillborn final : public engine {
 public:
  explicit engine_of_stillborn(std::shared_ptr<std::atomic<int>> started) : started_(std::move(started)) {}
  std::unique_ptr<worker_link> start(worker_setup, doorbell&) override {
    ++*started_;
    return std::make_unique<stillborn>();
  }
  bool carries_handles() const noexcept override { return false; }
  bool can_kill() const noexcept override { return true; }

 private:
  std::shared_ptr<std::atomic<int>> started_;
};

/// Waits until all other ends are closed.
bool all_gone(connection& here) {
  try {
    return !here.recv_for<int>(patience).has_value();
  } catch (const end_of_stream&) {
    return true;
  }
}

pool_options without_grace() {
  pool_options options;
  options.grace = 0ms;
  return options;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ends_of_pools, no_forkserver_left)

// conformance: _TestPool.test_make_pool
BOOST_AUTO_TEST_CASE(a_pool_has_as_many_workers_as_are_asked_for_and_one_at_least) {
  BOOST_CHECK_EXCEPTION(pool(0), error, says("a pool of no workers"));
  const pool three(3);
  BOOST_TEST(three.size() == 3U);
  BOOST_TEST(three.pids().size() == 3U);
  const pool all;
  BOOST_TEST(all.size() == cpu_count());
}

BOOST_AUTO_TEST_CASE(a_pool_forks_beside_threads_only_when_that_is_asked_for) {
  pool_options options;
  options.context = default_context();
  options.context->method = start_method::fork;
  BOOST_CHECK_EXCEPTION(pool(2, options), process_error, says("a pool cannot fork its workers"));
  BOOST_CHECK_EXCEPTION(pool(2, options), process_error, says("set context::fork_with_threads"));
  options.context->fork_with_threads = true;
  BOOST_TEST(pool(2, options).apply(fn<&square>, 3) == 9);
}

// conformance: TestInitializers.test_pool_initializer, test_init
BOOST_DATA_TEST_CASE(the_initializer_runs_once_in_each_worker, every_start_method, method) {
  const signals all;
  pool pool(
      3, by(method), [](const signals& given) { ++*given.count; }, all);
  BOOST_TEST(pool.map(fn<&square>, std::vector{1, 2, 3}) == (std::vector{1, 4, 9}),
             boost::test_tools::per_element());
  pool.close();
  BOOST_REQUIRE(pool.join_for(patience));
  BOOST_TEST(*all.count == 3);
}

// conformance: test_init
BOOST_DATA_TEST_CASE(a_throwing_initializer_ends_the_pool_with_what_it_threw, every_start_method, method) {
  const signals all;
  pool pool(2, by(method), fn<&refuse>, all);
  std::vector<task<int>> tasks;
  const auto submit = [&] { tasks.push_back(pool.submit(fn<&square>, 1)); };
  try {
    for (int i = 0; i < 20; ++i) submit();
  } catch (const std::out_of_range&) {  // it has ended already
  }
  for (const auto& each : tasks)
    BOOST_CHECK_EXCEPTION(outcome(each), std::out_of_range, says("this worker is not willing"));
  wait_until([&] {
    try {
      submit();
      return false;
    } catch (const std::out_of_range&) {
      return true;
    }
  });
  BOOST_CHECK_THROW(pool.map(fn<&square>, boost::irange(0, 10)), std::out_of_range);
  BOOST_REQUIRE(pool.join_for(patience));
  BOOST_TEST(pool.pids().empty());
  BOOST_TEST(*all.count >= 3);
  BOOST_TEST(*all.count <= 5);
}

BOOST_DATA_TEST_CASE(an_initializer_that_throws_in_every_worker_is_printed_once, every_start_method, method) {
  const signals all;
  auto [reader, writer] = os::plain_pipe();
  process parent(fn<&refuse_into>, method, all, std::move(writer));
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(reader.native(), piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  parent.join();
  BOOST_TEST(parent.exit_code().value() == 0);
  BOOST_TEST(*all.count >= 2);
  const std::string told = "this worker is not willing";
  const std::size_t first = text.find(told);
  BOOST_REQUIRE_MESSAGE(first != std::string::npos, text);
  BOOST_TEST(text.find(told, first + 1) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(workers_that_die_at_start_end_the_pool) {
  const signals all;
  pool pool(2, {}, fn<&die_at_start>, all);
  const auto never_ran = [](const worker_died& death) {
    return death.task() == worker_died::no_task && death.why() == worker_died::cause::killed &&
           death.code() == SIGKILL;
  };
  BOOST_CHECK_EXCEPTION(pool.submit(fn<&square>, 1).get(), worker_died, never_ran);
  BOOST_CHECK_EXCEPTION(pool.submit(fn<&square>, 1), worker_died, never_ran);
  BOOST_TEST(*all.count <= 5);
}

BOOST_AUTO_TEST_CASE(workers_that_have_few_tasks_and_die_at_start_end_the_pool_too) {
  const signals all;
  pool pool(2, {.max_tasks_per_worker = 1}, fn<&die_at_start>, all);
  BOOST_CHECK_THROW(outcome(pool.submit(fn<&square>, 1)), worker_died);
  BOOST_TEST(*all.count <= 5);
}

BOOST_AUTO_TEST_CASE(workers_that_die_again_and_again_before_they_begin_a_task_end_the_pool) {
  const auto started = std::make_shared<std::atomic<int>>(0);
  pool_options options;
  options.engine = std::make_shared<engine_of_stillborn>(started);
  pool pool(2, options);
  const auto tasks = pool.map_async(fn<&square>, boost::irange(0, 20), {.chunk_size = 1});
  BOOST_CHECK_THROW(outcome(tasks), worker_died);
  BOOST_CHECK_EXCEPTION(pool.submit(fn<&square>, 1), worker_died, [](const worker_died& death) {
    return death.task() == worker_died::no_task && death.code() == SIGKILL;
  });
  BOOST_TEST(*started >= 10);
  BOOST_TEST(*started <= 22);
}

BOOST_AUTO_TEST_CASE(a_pool_whose_workers_cannot_be_replaced_ends_with_the_reason) {
  const signals all;
  pool pool(1, {}, fn<&refuse_after_the_first>, all);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
  BOOST_CHECK_THROW(pool.apply(fn<&die>), worker_died);
  BOOST_CHECK_THROW(for (;;) outcome(pool.submit(fn<&square>, 3)), std::out_of_range);
}

// conformance: test_shutdown.ExecutorShutdownTest
BOOST_DATA_TEST_CASE(a_closed_pool_does_what_it_has_and_takes_nothing_more, every_start_method, method) {
  pool pool(2, by(method));
  BOOST_CHECK_EXCEPTION(pool.join(), error, says("call one first"));
  std::vector<task<int>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(pool.submit(fn<&square>, i));
  pool.close();
  BOOST_CHECK_THROW(pool.submit(fn<&square>, 1), pool_closed);
  BOOST_CHECK_THROW(pool.map(fn<&square>, std::vector{1, 2}), pool_closed);
  BOOST_REQUIRE(pool.join_for(patience));
  for (int i = 0; i < 50; ++i) {
    BOOST_TEST(tasks[static_cast<std::size_t>(i)].ready());
    BOOST_TEST(tasks[static_cast<std::size_t>(i)].get() == i * i);
  }
  BOOST_TEST(pool.pids().empty());
  pool.close();
  pool.terminate();
  pool.join();
}

// conformance: test_deadlock.ExecutorDeadlockTest
BOOST_AUTO_TEST_CASE(a_worker_that_dies_after_the_pool_was_closed_is_an_error_and_no_hang) {
  const signals all;
  pool pool(1, {}, fn<&take_signals>, all);
  const task<int> dying = pool.submit(fn<&exit_when_let_go>);
  wait_until([&] { return *all.count == 1; });
  std::vector<task<int>> others;
  for (int i = 0; i < 5; ++i) others.push_back(pool.submit(fn<&square>, i));
  pool.close();
  all.go.set();
  BOOST_REQUIRE(pool.join_for(patience));
  BOOST_CHECK_THROW(dying.get(), worker_died);
  for (int i = 0; i < 5; ++i) BOOST_TEST(others[static_cast<std::size_t>(i)].get() == i * i);
}

BOOST_DATA_TEST_CASE(a_terminated_pool_gives_up_everything, every_start_method, method) {
  const signals all;
  pool pool(2, by(method), fn<&take_signals>, all);
  std::vector<task<int>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(pool.submit(fn<&hold>, i));
  wait_until([&] { return *all.count == 2; });
  pool.terminate();
  BOOST_REQUIRE(pool.join_for(patience));
  for (const auto& each : tasks) BOOST_CHECK_THROW(outcome(each), pool_closed);
  BOOST_CHECK_THROW(pool.submit(fn<&square>, 1), pool_closed);
}

BOOST_AUTO_TEST_CASE(workers_that_ignore_sigterm_are_killed) {
  const signals all;
  pool pool(2, {}, fn<&be_deaf>, all);
  const task<int> held = pool.submit(fn<&run_for_ever>);
  wait_until([&] { return *all.count == 1; });
  pool.terminate();
  BOOST_REQUIRE(pool.join_for(patience));
  BOOST_CHECK_THROW(outcome(held), pool_closed);
}

// known failure 28: a pool that is not closed hangs
BOOST_AUTO_TEST_CASE(a_pool_is_destroyed_whatever_its_workers_do) {
  std::vector<task<int>> tasks;
  {
    const signals all;
    pool deaf(2, without_grace(), fn<&be_deaf>, all);
    pool stopped(2, without_grace(), fn<&take_signals>, all);
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(deaf.submit(fn<&run_for_ever>));
      tasks.push_back(stopped.submit(fn<&run_for_ever>));
    }
    wait_until([&] { return *all.count == 4; });
    for (const std::int64_t pid : stopped.pids()) ::kill(static_cast<pid_t>(pid), SIGSTOP);
  }
  for (const auto& each : tasks) BOOST_CHECK_THROW(outcome(each), pool_closed);
}

BOOST_AUTO_TEST_CASE(an_idle_pool_whose_workers_are_stopped_is_destroyed) {
  pool pool(2);
  pool.map(fn<&square>, std::vector{1, 2, 3});
  for (const std::int64_t pid : pool.pids()) ::kill(static_cast<pid_t>(pid), SIGSTOP);
}

// conformance: ProcessPoolShutdownTest
BOOST_DATA_TEST_CASE(a_pool_that_is_destroyed_lets_finish_what_was_begun_and_gives_up_the_rest,
                     every_start_method, method) {
  const signals all;
  std::optional<task<int>> begun;
  std::vector<task<int>> waiting;
  {
    pool_options options = by(method);
    options.grace = patience;
    pool pool(1, options, fn<&take_signals>, all);
    begun = pool.submit(fn<&hold>, 5);
    wait_until([&] { return *all.count == 1; });
    for (int i = 0; i < 5; ++i) waiting.push_back(pool.submit(fn<&square>, i));
    waiting.front().then([](int) {}, [&](const std::exception_ptr&) { all.go.set(); });
  }
  BOOST_TEST(outcome(*begun) == 5);
  for (const auto& each : waiting) BOOST_CHECK_THROW(outcome(each), pool_closed);
}

// known failure 28: terminating a pool in a callback is a deadlock
BOOST_AUTO_TEST_CASE(a_pool_may_be_ended_in_a_callback_of_its_own) {
  const auto before = holdings::now();
  {
    const signals all;
    pool terminated(2, {}, fn<&take_signals>, all);
    const task<int> held = terminated.submit(fn<&hold>, 1);
    terminated.submit(fn<&square>, 2).then([&](int) { terminated.terminate(); });
    BOOST_CHECK_THROW(outcome(held), pool_closed);
    terminated.join();

    auto dropped = std::make_unique<pool>(2, without_grace(), fn<&take_signals>, all);
    const task<int> left = dropped->submit(fn<&hold>, 1);
    event gone;
    wait_until([&] { return *all.count != 0; });
    dropped->submit(fn<&square>, 2).then([&](int) {
      dropped.reset();
      gone.set();
    });
    BOOST_REQUIRE(gone.wait_for(patience));
    BOOST_CHECK_THROW(outcome(left), pool_closed);
  }
  wait_until([&] { return holdings::now().difference(before).empty(); });
}

// known failure 33: workers are left when the parent is killed
BOOST_DATA_TEST_CASE(workers_end_with_a_parent_that_is_killed, every_start_method, method) {
  auto [here, there] = pipe();
  const signals all;
  {
    forked_child parent([&, &end = there] {
      pool pool(2, by(method), fn<&keep_line>, std::move(end), all);
      const auto held = pool.submit(fn<&run_for_ever>);
      held.get();
      return 0;
    });
    there.close();
    wait_until([&] { return *all.count == 1; });
    parent.signal(SIGKILL);
    BOOST_TEST(parent.wait() == -SIGKILL);
  }
  BOOST_TEST(all_gone(here));
}

// conformance: TestStdinBadfiledescriptor.test_pool_in_process
BOOST_DATA_TEST_CASE(a_child_may_have_a_pool_of_its_own, every_start_method, method) {
  process child(
      {.context = by(method).context},
      [](start_method how) {
        pool inner(2, by(how));
        if (inner.map(fn<&square>, std::vector{1, 2, 3}) != std::vector{1, 4, 9}) throw error("wrong");
      },
      method);
  BOOST_REQUIRE(child.join_for(patience));
  child.join(rethrow);
}

// What is left of a task, or is to be run again, finds nobody any more.
BOOST_DATA_TEST_CASE(a_pool_is_destroyed_while_its_tasks_die, boost::unit_test::data::make({0, 1000}),
                     retries) {
  const signals all;
  std::optional<pool> dying(std::in_place, 1, pool_options{.grace = patience}, fn<&take_signals>, all);
  auto results = dying->with({.retries = static_cast<unsigned>(retries)})
                     .map_async(fn<&hold_and_die>, boost::irange(0, 10), {.chunk_size = 10});
  wait_until([&] { return *all.victim != 0; });
  std::thread release([&] { all.go.set(); });
  dying.reset();
  release.join();
  BOOST_CHECK_THROW(outcome(results), error);
}

// known failure 28: a program with a pool that was not closed hangs at exit
// conformance: _TestPoolWorkerLifetime.test_worker_finalization_via_atexit_handler_of_multiprocessing
// conformance: test_shutdown.ExecutorShutdownTest
BOOST_AUTO_TEST_CASE(a_program_with_pools_that_nobody_closes_ends) {
  for (const char* how : {"static", "leaked", "busy"}) {
    auto [reader, writer] = pipe();
    forked_child program([&, &end = writer] {
      ::dup2(end.native_handle(), STDOUT_FILENO);
      ::execl(FERRY_TEST_PROGRAMS "/program_unclosed_pool", "unclosed_pool", how, nullptr);
      return 98;
    });
    writer.close();
    BOOST_TEST(program.wait() == 0);
    BOOST_TEST(all_gone(reader));  // its workers had its standard output
  }
}

BOOST_AUTO_TEST_SUITE_END()
