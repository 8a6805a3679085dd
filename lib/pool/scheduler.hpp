// SPDX-License-Identifier: BSL-1.0
// Which worker runs which task, and who waits for what.
#pragma once

#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/engine.hpp>
#include <ferry/pool_options.hpp>

#include "base/fork.hpp"
#include "os/wait_set.hpp"
#include "pool/bell.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace ferry::detail {

/// Gives tasks to workers, each over a channel of its own, and knows at any time which worker has which: so a
/// worker that dies takes along the one task that it was running, and nothing else.
///
/// A few tasks are sent ahead to each worker, so that it need not wait for the next one. They are taken back
/// when they are wanted elsewhere: by a worker that has nothing to do, or because their worker has died.
///
/// There is no thread between callers and workers. A thread that waits for a task looks after all workers
/// meanwhile; when several wait, one of them does, the leader. A thread of the scheduler's own, the keeper,
/// does what is left when nobody waits, and what takes longer: starting workers, timeouts, and calling back.
/// Everything is under one lock, which is held neither while user code runs nor while anything blocks.
class scheduler : public std::enable_shared_from_this<scheduler> {
 public:
  /// Starts the workers and the keeper.
  /// @throws what keeps the first workers from being started
  static std::shared_ptr<scheduler> start(std::size_t workers, pool_options options,
                                          std::unique_ptr<const call> initializer);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  // See `pool_core`.
  const archive_options& packing() const noexcept { return packing_; }
  std::size_t workers() const noexcept { return wanted_; }
  bool can_kill() const noexcept { return engine_->can_kill(); }
  std::shared_ptr<const fixture> known_fixture(const callable& target);
  std::shared_ptr<const fixture> new_fixture(const call& what);
  /// @throws pool_closed, or why the pool has ended
  void check();
  void submit(std::shared_ptr<pool_task> task, bool comes_back);
  bool wait_for_handles();
  void seal(pool_batch& batch);
  /// Waits until `ready`, which is called under the lock. @returns what it is then
  /// @param comes_back_for  if not null, the caller will soon wait again until this is done: what can wait
  ///                        for it is not given to the keeper
  bool wait(const std::function<bool()>& ready, deadline until, const pool_batch* comes_back_for = nullptr);
  std::size_t cancel(pool_batch& batch);
  void when_done(pool_batch& batch, std::function<void()> what);
  handle_view handle_of(pool_batch& batch);
  /// Calls `work` under the lock.
  /// @throws error  in a forked copy of the process that made the pool, as all that needs the lock
  template <class Work>
  auto locked(Work&& work) {
    const lock_type lock = lock_here();
    return work();
  }

  /// Drops a job or a state from the workers that have it.
  enum class forgetting {
    with_the_next_call,  // costs nothing
    soon,                // of what holds something open
  };
  void forget(std::uint64_t fixture, forgetting when = forgetting::with_the_next_call) noexcept;

  void close();
  void terminate();
  bool join(deadline until);
  /// The end, within bounded time: gives up what has not been begun, waits a moment for what has, then
  /// terminates.
  void end() noexcept;
  /// In a forked copy of the process that made it: it has no workers and no keeper.
  bool is_copy() const noexcept;
  std::vector<std::int64_t> pids();

 private:
  struct worker {
    std::unique_ptr<worker_link> link;
    task_list sent;  // and not known to be done
    std::unordered_set<std::uint64_t> knows;
    std::size_t tasks = 0;          // of `sent`, that are to be run
    std::size_t bytes = 0;          // of these
    std::uint64_t nanoseconds = 0;  // that they are expected to take
    std::size_t given = 0;          // tasks since its start
    bool finishing = false;         // it has been told that there will be no more
    bool timed_out = false, misbehaved = false, unreadable = false;  // and has been killed
    bool stuck = false;                                              // the same: its tasks cannot be recalled
    std::uint64_t refused_in = 0;  // the round of `place` in which it has taken no more
    std::optional<deadline::clock::time_point>
        busy_since;  // when it could not be recalled, for the first time
    // What it is to run next or runs, and since when; for tasks with a timeout. By the clock here, since the
    // worker may say what it likes.
    std::uint64_t next_id = 0;
    deadline::clock::time_point next_since;
    std::optional<deadline::clock::time_point> begun_since;  // when it was first seen to run it
    bool was_ready = false;
  };
  using worker_list = std::vector<std::unique_ptr<worker>>;

  scheduler(std::size_t workers, pool_options options, std::unique_ptr<const call> initializer);

  /// How long a worker may hold the lock of its tasks, which it does for no longer than it takes to copy one.
  static constexpr std::chrono::seconds most_time_to_take{1};
  /// How long to wait before that is looked at again.
  static constexpr std::chrono::microseconds pause_for_taking{500};

  using lock_type = std::unique_lock<std::mutex>;
  lock_type lock_here();

  // All with the lock held. Those that take it give it back for a while.
  void check_open() const;
  enum class spreading {
    as_needed,  // short tasks rather wait behind others than wake a worker
    evenly,     // what waited has waited in vain: it goes to those who have nothing to do
  };
  void place(spreading how = spreading::as_needed);
  worker* find_place(const pool_task& task, spreading how);
  bool give_first(worker& to);
  bool teach(worker& to, const fixture& what);
  static task_list listed(record_title::kind what, std::uint64_t id);
  void send_forgotten() noexcept;
  void still_knows(worker& who, std::uint64_t fixture) noexcept;
  void finish(worker& who) noexcept;
  bool collect();
  bool collect_from(worker& from);
  bool answered(worker& from, received_record& answer, std::exception_ptr failure);
  void took_from(worker& from, const pool_task& task) noexcept;
  void misbehaves(worker& who) noexcept;
  limits largest_answer(const worker& from) const noexcept;
  void drop_later(std::vector<unique_handle>& handles) noexcept;
  void drop_later(received_record& answer) noexcept;
  void drop_what_is_left(lock_type& lock);
  static void drop_apart(std::vector<std::unique_ptr<worker>> buried) noexcept;
  void cannot_read(worker& from, const std::exception_ptr& why);
  void settle(task_list& of, task_list::iterator which, std::exception_ptr failure) noexcept;
  void promise_kept(pool_batch& batch) noexcept;
  bool is_uneven() const noexcept;
  bool even_out();
  bool take_back(worker& from) noexcept;
  bool recall_stuck(worker& who) noexcept;
  void give_up_what_is_left() noexcept;
  void give_up_waiting(const std::exception_ptr& why) noexcept;
  void lead(lock_type& lock, deadline until);
  bool nobody_will_ring() const noexcept;
  bool keeper_is_needed() const noexcept;
  void call_keeper_if_needed() noexcept;
  void call_keeper() noexcept;

  // The keeper's, in keeper.cpp.
  void keep() noexcept;
  void keep_once(lock_type& lock);
  void look_after_workers(lock_type& lock);
  void bury_dead();
  void bury(worker& dead, const worker_end& how);
  static bool is_to_be_run(const std::shared_ptr<pool_task>& task) noexcept {
    return task->what == record_title::kind::run;
  }
  static const pool_task* running(const worker& who) noexcept;
  static deadline latest_end(worker& who);
  void fail_what_ran(worker& dead, task_list::iterator which, std::uint32_t item, std::exception_ptr why);
  void died_making(std::uint64_t what, const std::exception_ptr& why);
  void died_idle(std::exception_ptr why);
  void failed_to_start(std::exception_ptr why, std::size_t most);
  void break_off(std::exception_ptr why);
  void kill_late();
  void finish_workers();
  void replace(lock_type& lock);
  void call_back(lock_type& lock);
  static void call_safely(const std::function<void()>& callback) noexcept;
  deadline next_event();
  std::unique_ptr<worker> hire();
  void add(std::unique_ptr<worker> who);

  const pool_options options_;
  const std::unique_ptr<const call> initializer_;
  const std::size_t wanted_;
  const archive_options packing_;
  const std::shared_ptr<engine> engine_;
  // Why tasks are given up; made beforehand, since then there may be no memory.
  const std::exception_ptr was_terminated_, was_destroyed_, was_cancelled_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for those who wait and do not lead
  pool_bell bell_;
  bell_listener listener_{bell_};
  std::uint32_t heard_ = 0;  // the count of the bell when answers were last looked for
  bool leading_ = false;
  std::size_t following_ = 0;

  worker_list workers_;
  worker_list buried_;  // to be dropped without the lock, as handles are: closing one may take time
  std::vector<unique_handle> dropped_;
  // Tasks that hold handles; of these, those that are done and whose handles are about to be closed; and how
  // often any have been.
  std::size_t holding_ = 0, letting_go_ = 0;
  std::uint64_t let_go_ = 0;
  std::uint64_t round_ = 0;
  os::wait_set deaths_;  // the workers' handles
  task_list waiting_;
  std::size_t out_ = 0;  // tasks that workers have
  std::uint64_t last_id_ = 0;
  std::unordered_map<const callable*, std::shared_ptr<const fixture>> known_;
  std::list<std::function<void()>> callbacks_;
  std::size_t callbacks_promised_ = 0;  // to batches that are not done
  bool closed_ = false, terminated_ = false, stopping_ = false, ended_ = false;
  std::atomic<bool> takes_no_more_{false};  // closed or broken
  std::exception_ptr broken_;
  std::size_t failed_starts_ = 0;  // in a row
  std::size_t idle_deaths_ = 0;    // of workers that had begun nothing, since the last answer of any
  std::size_t hired_ = 0;          // the keeper's alone, once it runs
  deadline next_hire_ = deadline::immediately(), kill_all_ = deadline::never();
  bool keeper_called_ = false;
  deadline keeper_wakes_ = deadline::immediately();

  std::mutex forgotten_mutex_;
  std::vector<std::uint64_t> forgotten_;
  std::atomic<bool> any_forgotten_{false};

  const fork_mark made_in_;
  std::thread keeper_;
};

}  // namespace ferry::detail
