// SPDX-License-Identifier: BSL-1.0
// The parts of a pool with workers and a clock that do as they are told.
#pragma once

#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/pool_options.hpp>

#include "os/event_handle.hpp"
#include "pool/supervisor.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace ferry::test {

using namespace std::chrono_literals;
using detail::fixture;
using detail::pool_batch;
using detail::pool_record;
using detail::pool_task;
using detail::pool_worker;
using detail::record_title;

/// Stands still until it is moved.
class fake_clock final : public detail::pool_clock {
 public:
  time_point now() const noexcept override { return now_; }
  void pass(deadline::clock::duration time) { now_ += time; }
  std::uint64_t nanoseconds() const noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now_.time_since_epoch()).count());
  }

 private:
  time_point now_ = deadline::clock::now();
};

/// A worker that does nothing by itself.
class fake_link final : public worker_link {
 public:
  /// Of the records that are sent, those that the worker has not begun.
  std::deque<record_title> ahead;
  /// The one that it has begun.
  std::optional<record_title> begun;
  bool full = false, is_just_taking = false, gone = false, answers_nonsense = false;
  bool finished = false, terminated = false, killed = false;
  worker_progress says;

  /// It begins with the next record.
  void begin() {
    BOOST_REQUIRE(!ahead.empty());
    begun = ahead.front();
    ahead.pop_front();
    says.ready = true;
    says.run = begun->id;
    says.item = 0;
  }
  /// It begins with the next record that is to be run; what it has to make before is made.
  void begin_task() {
    do begin();
    while (begun->what != record_title::kind::run);
  }
  /// It answers what it has begun.
  void answer(std::uint64_t nanoseconds = 1000) {
    BOOST_REQUIRE(begun.has_value());
    record_title title = *std::exchange(begun, std::nullopt);
    title.what = record_title::kind::answer;
    title.nanoseconds = nanoseconds;
    answers_.push_back(title);
  }
  /// It has ended.
  void end(worker_end how) {
    ended_ = std::move(how);
    os::raise_event(event_);
  }

  bool send(const message_view& record) override {
    if (gone) throw end_of_stream("the worker is gone");
    if (full) return false;
    record_title title;
    BOOST_REQUIRE(record.bytes.size() >= sizeof title);
    std::memcpy(&title, record.bytes.data(), sizeof title);
    ahead.push_back(title);
    return true;
  }
  std::optional<std::size_t> recall(std::size_t) override {
    if (is_just_taking) return std::nullopt;
    return std::exchange(ahead, {}).size();
  }
  void finish() override { finished = true; }
  bool receive(message& into, const limits&) override {
    if (answers_nonsense) throw archive_error("nonsense");
    if (answers_.empty()) return false;
    into = pool_record(answers_.front());
    answers_.pop_front();
    return true;
  }
  worker_progress progress() const noexcept override { return says; }
  void terminate() noexcept override { terminated = true; }
  void kill() noexcept override { killed = true; }
  native_handle_type native_handle() const override { return event_.native(); }
  std::optional<worker_end> ended() override { return ended_; }
  std::int64_t pid() const noexcept override { return 4711; }

 private:
  std::deque<record_title> answers_;
  std::optional<worker_end> ended_;
  unique_handle event_ = os::create_event_handle();
};

class fake_engine final : public engine {
 public:
  std::size_t started = 0;
  bool refuses = false;

  std::unique_ptr<worker_link> start(worker_setup, doorbell&) override {
    if (refuses) throw system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "start");
    ++started;
    return std::make_unique<fake_link>();
  }
  bool carries_handles() const noexcept override { return false; }
  bool can_kill() const noexcept override { return true; }
};

/// A call whose tasks are made by hand.
struct fake_batch final : pool_batch {};

/// All parts of a pool but the scheduler, which puts them together. Everything is under one lock, as there.
class parts_of_a_pool : private detail::turn_work {
 public:
  explicit parts_of_a_pool(std::size_t workers = 2, pool_options given = {})
      : options(std::move(given)),
        tasks(parts, packing.limit, options.max_tasks_per_worker),
        supervisor(workers, options, engine, nullptr, packing, parts, tasks, phase) {
    supervisor.start_all();
  }

  fake_link& link(std::size_t worker) { return static_cast<fake_link&>(*tasks.workers().at(worker)->link); }
  std::shared_ptr<const fixture> new_job() {
    const std::uint64_t id = jobs.new_id();
    pool_record made(record_title{.what = record_title::kind::make, .count = 1, .id = id});
    return std::make_shared<const fixture>(std::weak_ptr<detail::scheduler>(), id, std::move(made));
  }
  std::shared_ptr<pool_task> add(const std::shared_ptr<pool_batch>& batch, std::uint32_t items = 1,
                                 detail::task_rules rules = {}) {
    auto task = std::make_shared<pool_task>();
    task->job = job;
    task->rules = rules;
    task->count = items;
    task->items = pool_record(record_title{.count = items});
    for (std::uint32_t i = 0; i < items; ++i) task->items.append_plain({});
    task->batch = batch;
    tasks.add(task);
    return task;
  }
  /// What the pool's own thread does when it wakes.
  void keep() { look_after_workers(lock); }

  pool_options options;
  fake_engine engine;
  fake_clock clock;
  archive_options packing;
  std::mutex mutex;
  lock_type lock{mutex};
  detail::turns turns{*this};
  detail::pool_phase phase;
  detail::installed_jobs jobs;
  detail::completions done{turns};
  const detail::dispatcher::parts parts{jobs, done, turns, clock};
  detail::dispatcher tasks;
  detail::supervisor supervisor;
  std::shared_ptr<const fixture> job = new_job();

 private:
  bool look(lock_type&) override { return tasks.collect(); }
  bool look_closer() override { return tasks.even_out(); }
  void look_after_workers(lock_type& held) override {
    supervisor.reap_ended();
    supervisor.kill_late();
    supervisor.replace(held);
    done.drop(held);
  }
  void leave_to_keeper() noexcept override {}
};

template <class Exception>
bool failed_with(const pool_task& task) {
  try {
    if (task.failure) std::rethrow_exception(task.failure);
  } catch (const Exception&) {
    return true;
  } catch (...) {
  }
  return false;
}

}  // namespace ferry::test
