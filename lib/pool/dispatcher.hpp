// SPDX-License-Identifier: BSL-1.0
// Which worker runs which task.
#pragma once

#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/limits.hpp>

#include "pool/completions.hpp"
#include "pool/installed_jobs.hpp"
#include "pool/pool_worker.hpp"
#include "pool/turns.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>

namespace ferry::detail {

/// Gives tasks to workers, each over a channel of its own, and knows at any time which worker has which: so a
/// worker that dies takes along the one task that it was running, and nothing else.
///
/// A few tasks are sent ahead to each worker, so that it need not wait for the next one. They are taken back
/// when they are wanted elsewhere: by a worker that has nothing to do, or because their worker has died.
///
/// Under the pool's lock. It calls no user code and blocks for nothing.
class dispatcher {
 public:
  /// What the parts of a pool have in common. All outlive the dispatcher.
  struct parts {
    installed_jobs& jobs;
    completions& done;
    turns& whose_turn;
    const pool_clock& clock;
  };
  /// @param largest  of an item's answer
  /// @param most_tasks  that a worker runs before it ends
  dispatcher(const parts& of, const limits& largest, std::size_t most_tasks) noexcept
      : of_(of), largest_(largest), most_tasks_(most_tasks) {}

  // --- workers
  worker_list& workers() noexcept { return workers_; }
  const worker_list& workers() const noexcept { return workers_; }
  /// Tells a worker that there will be no more.
  static void finish(pool_worker& who) noexcept;

  // --- tasks in
  /// Takes it in; it goes to a worker with the next `place`. @throws std::bad_alloc
  void add(const std::shared_ptr<pool_task>& task);
  enum class spreading {
    as_needed,  ///< short tasks rather wait behind others than wake a worker
    evenly,     ///< what waited has waited in vain: it goes to those who have nothing to do
  };
  void place(spreading how = spreading::as_needed);

  // --- answers out
  /// Takes all answers that there are. @returns whether there were any
  bool collect();
  bool collect_from(pool_worker& from);
  /// How many answers made sense, since the start of the pool.
  std::uint64_t answers() const noexcept { return answers_; }

  // --- taking back
  /// Gives tasks that were sent ahead to workers that have nothing to do. @returns whether it gave any
  bool even_out();
  /// Takes back what a worker has not begun. @returns whether there was any task among it
  bool take_back(pool_worker& from) noexcept;
  /// Tries again where a worker was just taking a task. One that is at that for too long has been stopped in
  /// the middle, or holds the lock of its channel for ever: it is killed.
  /// @returns whether any came back
  bool recall_again(pool_worker& who) noexcept;
  /// Takes back the tasks of a batch.
  /// @returns whether some worker was just taking one, so that it is worth trying again in a moment
  bool take_back(const pool_batch& batch) noexcept;
  /// Settles the tasks of a batch that no worker has. @returns how many
  std::size_t give_up(const pool_batch& batch, const std::exception_ptr& why) noexcept;
  /// The same for all tasks that no worker has begun.
  void give_up_all(const std::exception_ptr& why) noexcept;

  // --- of a worker that has ended
  /// The task that it ran is run again if it may be; else the item that it was at fails, and the rest of the
  /// task waits for another worker.
  void fail_what_ran(pool_worker& ended, task_list::iterator which, std::uint32_t item, bool may_retry,
                     std::exception_ptr why);
  /// The first task that waits has been the next one of a worker that ended. After some of these it fails.
  /// @param why  gives the reason for a task that began with that item of its call
  template <class Why>
  void count_miss(Why&& why) {
    if (++waiting_.front()->misses == most_misses)
      of_.done.settle(waiting_, waiting_.begin(), why(waiting_.front()->first));
  }
  /// Of those that wait, what needs a job or state; null if none does.
  const fixture* needed_by_waiting(std::uint64_t id) const noexcept;

  bool any_waiting() const noexcept { return !waiting_.empty(); }
  /// How many tasks workers have.
  std::size_t out() const noexcept { return out_; }
  /// Tasks wait for room that no answer makes: that for handles in flight, which others use up.
  bool waits_for_no_answer() const noexcept { return out_ == 0 && any_waiting() && !workers_.empty(); }
  /// Something has to be done when answers come, though no thread waits for them.
  bool has_to_be_looked_after() const noexcept;

  /// How long a worker may hold the lock of its tasks, which it does for no longer than it takes to copy one.
  static constexpr std::chrono::seconds most_time_to_take{1};
  /// How long to wait before that is looked at again.
  static constexpr std::chrono::microseconds pause_for_taking{500};
  /// After how many workers that ended when they were to begin a task next it is given to no more.
  static constexpr std::size_t most_misses = 3;

 private:
  pool_worker* find_place(const pool_task& task, spreading how);
  bool give_first(pool_worker& to);
  bool answered(pool_worker& from, received_record& answer, std::exception_ptr failure);
  void took_from(pool_worker& from, const pool_task& task) noexcept;
  void cannot_read(pool_worker& from, const std::exception_ptr& why);
  static void kill_for_nonsense(pool_worker& who) noexcept;
  limits largest_answer(const pool_worker& from) const noexcept;
  bool is_uneven() const noexcept;

  const parts of_;
  const limits largest_;
  const std::size_t most_tasks_;
  worker_list workers_;
  task_list waiting_;
  std::size_t out_ = 0;
  std::uint64_t round_ = 0, answers_ = 0;
};

}  // namespace ferry::detail
