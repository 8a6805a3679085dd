// SPDX-License-Identifier: BSL-1.0
// Live objects as arguments and results of tasks.
#include <ferry/connection.hpp>
#include <ferry/engine.hpp>
#include <ferry/file.hpp>
#include <ferry/mutex.hpp>
#include <ferry/queue.hpp>

#include "os/handle.hpp"
#include "pool/support.hpp"
#include "support/faults.hpp"
#include "support/leaks.hpp"

#include <boost/range/irange.hpp>

#include <csignal>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>
#include <tuple>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

using handles = std::vector<unique_handle>;

pool_options duplicating(start_method method) {
  pool_options options = by(method);
  options.mode = transfer::duplicate;
  return options;
}

void put(queue<int> into, int number) {
  into.put(number);
}
queue<int> filled_queue(int number) {
  queue<int> made;
  made.put(number);
  return made;
}
void add_under_lock(const mutex& lock, const shared_value<int>& sum, int number) {
  const std::lock_guard hold(lock);
  *sum = *sum + number;
}
connection duplicate_connection(const connection& of) {
  return connection(duplicate(handle_view(of.native_handle())));
}
connection say(connection line, const std::string& text) {
  line.send(text);
  return line;
}
std::size_t std_size(const std::string& text) {
  return text.size();
}
/// Threads behind an engine that says that it carries no handles.
class bytes_only final : public engine {
 public:
  std::unique_ptr<worker_link> start(worker_setup setup, doorbell& bell) override {
    return threads_->start(std::move(setup), bell);
  }
  std::string_view name() const noexcept override { return "bytes on a wire"; }
  bool carries_handles() const noexcept override { return false; }
  bool can_kill() const noexcept override { return threads_->can_kill(); }

 private:
  std::unique_ptr<engine> threads_ = make_thread_engine();
};
std::string read_all(file from) {
  std::string text(100, '\0');
  text.resize(from.read(std::as_writable_bytes(std::span(text))));
  return text;
}
file write_into(file to, const std::string& text) {
  to.write(text);
  return to;
}
handles pass(handles given) {
  return given;
}
std::size_t count(const handles& given) {
  return given.size();
}
handles make_handles(int number) {
  auto [reader, writer] = pipe();
  handles made;
  for (int i = 0; i < number; ++i) made.push_back(duplicate(handle_view(reader.native_handle())));
  return made;
}

struct holder {
  connection line;
  int operator()(int number) const { return number; }
};
holder make_holder(connection line) {
  return {std::move(line)};
}
int number_beside(const holder&, int number) {
  return number;
}

queue<int>*& own_queue() {
  thread_local queue<int>* place = nullptr;
  return place;
}
void keep_queue(const queue<int>& given) {
  thread_local std::optional<queue<int>> kept;
  kept.emplace(given);
  own_queue() = &*kept;
}
void put_into_own(int number) {
  own_queue()->put(number);
}

int next_of(queue<int>& from) {
  const auto got = from.get_for(patience);
  if (!got) throw std::runtime_error("nothing came in time");
  return *got;
}

handles copies_of(handle_view handle, std::size_t number) {
  handles made;
  while (made.size() < number) made.push_back(duplicate(handle));
  return made;
}

void limit_descriptors(int most) {
  const rlimit limit{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A file without a name.
file scratch() {
  return reducer<file>::rebuild(unique_handle(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pools_with_handles, no_forkserver_left)

// known failure 24: objects that should only be shared between processes through inheritance
BOOST_DATA_TEST_CASE(live_objects_are_arguments_and_results_of_a_running_pool, every_start_method, method) {
  const pool pool(2, duplicating(method));
  pool.apply(fn<&square>, 1);

  queue<int> queue;
  std::vector<task<void>> puts;
  for (int i = 0; i < 20; ++i) puts.push_back(pool.submit(fn<&put>, queue, i));
  int sum = 0;
  for (int i = 0; i < 20; ++i) sum += next_of(queue);
  BOOST_TEST(sum == 190);
  for (const auto& each : puts) outcome(each);
  ferry::queue<int> filled = pool.apply(fn<&filled_queue>, 7);
  BOOST_TEST(next_of(filled) == 7);

  const mutex lock;
  const shared_value<int> total(0);
  std::vector<std::tuple<mutex, shared_value<int>, int>> additions;
  for (int i = 0; i < 20; ++i) additions.emplace_back(lock, total, i);
  pool.starmap(fn<&add_under_lock>, additions, {.chunk_size = 4});
  BOOST_TEST(*total == 190);

  auto [here, there] = pipe();
  connection back = pool.apply(fn<&say>, std::move(there), "hello");
  BOOST_TEST(here.recv<std::string>() == "hello");
  here.send(std::string("and back"));
  BOOST_TEST(back.recv<std::string>() == "and back");

  file written = pool.apply(fn<&write_into>, scratch(), "some text");
  written.seek(0);
  BOOST_TEST(pool.apply(fn<&read_all>, std::move(written)) == "some text");
}

BOOST_AUTO_TEST_CASE(a_task_with_handles_is_refused_where_the_engine_carries_none) {
  pool_options options;
  options.engine = std::make_shared<bytes_only>();
  options.mode = transfer::duplicate;
  const pool pool(1, options);
  const auto names_it = says("workers that are bytes on a wire cannot get any");
  auto [here, there] = pipe();
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&say>, duplicate_connection(there), "x"), transfer_error, names_it);
  BOOST_CHECK_EXCEPTION(pool.submit(fn<&say>, duplicate_connection(there), "x"), transfer_error, names_it);
  std::vector<connection> many;
  many.push_back(duplicate_connection(there));
  BOOST_CHECK_EXCEPTION(pool.map([](connection) {}, std::move(many)), transfer_error, names_it);
  BOOST_CHECK_EXCEPTION(pool.apply(holder{std::move(there)}, 1), transfer_error, names_it);
  BOOST_CHECK_THROW(here.recv<int>(), end_of_stream);  // none of them is left anywhere
  BOOST_TEST(pool.apply(fn<&std_size>, std::string("four")) == 4U);
}

BOOST_AUTO_TEST_CASE(a_pool_of_threads_takes_live_objects_too) {
  pool_options options;
  options.engine = make_thread_engine();
  options.mode = transfer::duplicate;
  const pool pool(2, options);
  ferry::queue<int> filled = pool.apply(fn<&filled_queue>, 7);
  pool.apply(fn<&put>, filled, 8);
  BOOST_TEST(next_of(filled) == 7);
  BOOST_TEST(next_of(filled) == 8);
}

BOOST_DATA_TEST_CASE(many_handles_go_with_one_task_and_come_back, every_start_method, method) {
  const pool pool(2, by(method));
  const auto [reader, writer] = pipe();
  const handle_view handle(reader.native_handle());
  BOOST_TEST(pool.apply(fn<&count>, copies_of(handle, 300)) == 300U);
  BOOST_TEST(pool.apply(fn<&pass>, copies_of(handle, 300)).size() == 300U);
  // Each item of a chunk has its own.
  std::vector<handles> input;
  for (std::size_t i = 0; i < 40; ++i) input.push_back(copies_of(handle, i % 5));
  const auto results = pool.map(fn<&pass>, std::move(input), {.chunk_size = 8});
  for (std::size_t i = 0; i < 40; ++i) BOOST_TEST(results[i].size() == i % 5);
}

BOOST_DATA_TEST_CASE(guarded_objects_are_refused_by_a_pool_that_may_only_inherit, every_start_method,
                     method) {
  queue<int> results;
  pool pool(2, by(method), fn<&keep_queue>, results);
  BOOST_CHECK_THROW(pool.submit(fn<&put>, results, 1), spawning_error);
  BOOST_CHECK_EXCEPTION(pool.apply(fn<&filled_queue>, 1), carrying_error, [](const carrying_error& caught) {
    try {
      std::rethrow_if_nested(caught);
    } catch (const spawning_error&) {
      return true;
    }
    return false;
  });
  BOOST_CHECK_THROW(pool.apply(fn<&add_under_lock>, mutex(), shared_value<int>(0), 1), spawning_error);
  pool.map(fn<&put_into_own>, boost::irange(0, 20));
  int sum = 0;
  for (int i = 0; i < 20; ++i) sum += next_of(results);
  BOOST_TEST(sum == 190);
  // A worker that comes later has it as well.
  BOOST_CHECK_THROW(pool.apply([] { ::_exit(1); }), worker_died);
  BOOST_CHECK_THROW(pool.apply([] { ::_exit(1); }), worker_died);
  for (int i = 0; i < 4; ++i) pool.apply(fn<&put_into_own>, i);
  for (int i = 0; i < 4; ++i) next_of(results);
}

BOOST_AUTO_TEST_CASE(an_answer_whose_handles_find_no_room_is_an_error_of_its_task) {
  const pool pool(1);
  pool.apply(fn<&square>, 1);
  for (const int number : {3, 300}) {
    const holdings before = holdings::now();
    {
      const scoped_fd_limit one(1);
      const auto much = pool.submit(fn<&make_handles>, number);
      const auto plain = pool.submit(fn<&square>, 5);
      BOOST_CHECK_THROW(outcome(much), system_error);
      BOOST_CHECK_THROW(outcome(much), system_error);
      BOOST_TEST(outcome(plain) == 25);
    }
    BOOST_TEST(pool.apply(fn<&make_handles>, number).size() == static_cast<std::size_t>(number));
    BOOST_TEST(holdings::now().difference(before).empty());
  }
}

BOOST_AUTO_TEST_CASE(an_argument_whose_handles_the_worker_has_no_room_for_is_an_error_of_its_task) {
  const pool pool(1);
  const auto [reader, writer] = pipe();
  const handle_view handle(reader.native_handle());
  pool.apply(fn<&limit_descriptors>, 40);
  const auto pids = pool.pids();
  BOOST_CHECK_THROW(pool.apply(fn<&count>, copies_of(handle, 100)), error);
  BOOST_TEST(pool.apply(fn<&count>, copies_of(handle, 5)) == 5U);
  BOOST_CHECK_THROW(pool.apply(fn<&count>, copies_of(handle, 300)), error);
  BOOST_TEST(pool.apply(fn<&square>, 3) == 9);
  BOOST_TEST(pool.pids() == pids, boost::test_tools::per_element());
}

// Those of tasks that were not run, or whose worker died, are closed.
BOOST_AUTO_TEST_CASE(handles_of_tasks_that_came_to_nothing_are_closed) {
  auto [here, there] = pipe();
  const signals all;
  {
    pool pool(1, {}, fn<&take_signals>, all);
    const auto held = pool.submit([] {
      ++*told()->count;
      told()->go.wait();
    });
    wait_until([&] { return *all.count == 1; });
    const auto given_up = pool.submit(fn<&say>, duplicate_connection(there), "never said");
    BOOST_TEST(given_up.cancel());
    const auto deadly = pool.submit([](connection) { ::_exit(1); }, std::move(there));
    all.go.set();
    outcome(held);
    BOOST_CHECK_THROW(outcome(deadly), worker_died);
    BOOST_CHECK_THROW(outcome(given_up), task_cancelled);
    BOOST_REQUIRE(here.poll(patience));
    BOOST_CHECK_THROW(here.recv<std::string>(), end_of_stream);
  }
}

BOOST_AUTO_TEST_CASE(a_worker_keeps_none_of_the_handles_that_it_has_given) {
  pool_options threads;
  threads.engine = make_thread_engine();
  for (const pool_options& options : {pool_options(), threads}) {
    const pool pool(1, options);
    auto [here, there] = pipe();
    connection back = pool.apply(fn<&say>, std::move(there), "said");
    BOOST_TEST(here.recv<std::string>() == "said");
    back.close();
    BOOST_REQUIRE(here.poll(patience));
    BOOST_CHECK_THROW(here.recv<std::string>(), end_of_stream);
  }
}

BOOST_AUTO_TEST_CASE(workers_keep_no_handle_of_what_was_made_for_a_call_that_is_over) {
  const pool pool(2, {.mode = transfer::duplicate});
  const auto check_that_all_is_closed_after = [&](const auto& call) {
    auto [here, there] = pipe();
    call(std::move(there));
    BOOST_REQUIRE(here.poll(patience));
    BOOST_CHECK_THROW(here.recv<int>(), end_of_stream);
  };
  check_that_all_is_closed_after([&](connection line) { pool.apply(holder{std::move(line)}, 1); });
  check_that_all_is_closed_after([&](connection line) { pool.map(holder{std::move(line)}, {1, 2, 3}); });
  check_that_all_is_closed_after([&](connection line) {
    pool.with_state<holder>(fn<&make_holder>, std::move(line)).apply(fn<&number_beside>, 1);
  });
}

// A worker that is stopped has not taken them.
BOOST_AUTO_TEST_CASE(the_handles_of_a_cancelled_task_are_closed) {
  auto [reader, writer] = pipe();
  pool pool(1, {.mode = transfer::duplicate});
  BOOST_REQUIRE(::kill(static_cast<pid_t>(pool.pids().front()), SIGSTOP) == 0);
  const auto task = pool.submit([](const connection&) {}, writer);
  writer.close();
  BOOST_TEST(task.cancel());
  BOOST_REQUIRE(::kill(static_cast<pid_t>(pool.pids().front()), SIGCONT) == 0);
  BOOST_CHECK_THROW(reader.recv_for<int>(patience), end_of_stream);
}

BOOST_AUTO_TEST_CASE(handles_of_cancelled_tasks_leave_the_way_to_a_worker_free) {
  const auto [reader, writer] = pipe();
  pool pool(1, {.mode = transfer::duplicate});
  const auto take = [](const connection&) {};
  BOOST_REQUIRE(::kill(static_cast<pid_t>(pool.pids().front()), SIGSTOP) == 0);
  for (int i = 0; i < 600; ++i) pool.submit(take, writer).cancel();
  BOOST_REQUIRE(::kill(static_cast<pid_t>(pool.pids().front()), SIGCONT) == 0);
  outcome(pool.submit(take, writer));
}

BOOST_AUTO_TEST_SUITE_END()
