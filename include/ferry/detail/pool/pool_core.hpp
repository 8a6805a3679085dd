// SPDX-License-Identifier: BSL-1.0
// The untyped pool behind the class pool: tasks in, answers out.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/detail/process/callable.hpp>
#include <ferry/handle.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

namespace ferry {

struct pool_options;

namespace detail {

class scheduler;

/// What workers must have made before they can run a task: a job, or the state that it works on. Sent to each
/// worker once, however many tasks need it, and forgotten by the workers when nothing here needs it any
/// longer.
class fixture {
 public:
  fixture(std::weak_ptr<scheduler> owner, std::uint64_t id, pool_record made) noexcept
      : owner_(std::move(owner)), id_(id), made_(std::move(made)) {}
  ~fixture();
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  std::uint64_t id() const noexcept { return id_; }
  const pool_record& made() const noexcept { return made_; }

  /// Whether a worker has nothing to do for it but to note it. Set before others see it.
  mutable bool takes_no_time = false;

  // Under the scheduler's lock.
  mutable std::size_t deaths = 0;      ///< of workers while they made it, since a task last used it
  mutable std::exception_ptr failure;  ///< why no worker is asked to make it any more, if none is

 private:
  std::weak_ptr<scheduler> owner_;
  std::uint64_t id_;
  pool_record made_;
};

/// What may be chosen for tasks.
struct task_rules {
  deadline::clock::duration timeout = deadline::clock::duration::zero();  ///< zero: none
  unsigned retries = 0;
};

class pool_batch;
class pool_task;

/// Tasks in order. A task goes from one list to the other in the node that it was given first: on its way
/// there is nothing for which memory could be missing.
using task_list = std::list<std::shared_ptr<pool_task>>;

/// Some items of one call that go to a worker together; or a thing that a worker is to make or to forget.
/// What is not said to be fixed changes under the scheduler's lock, until it is done.
class pool_task {
 public:
  // Fixed.
  record_title::kind what = record_title::kind::run;  ///< all below but `id` is for these
  std::shared_ptr<const fixture> job, state;
  task_rules rules;
  std::size_t first = 0;  ///< which item of its call the first one is

  // What is to be done. Kept until it is, since a worker may die.
  pool_record items;
  std::size_t handles = 0;  ///< that it was given with
  std::uint32_t count = 0;
  unsigned deaths = 0;  ///< of workers that ran it
  unsigned misses = 0;  ///< workers that ended when it was the next that they were to begin

  // Set when it is sent.
  std::uint64_t id = 0;           ///< of its record
  std::uint64_t nanoseconds = 0;  ///< that it is expected to take

  // What came of it: an answer, or the reason why no answer came.
  received_record answer;
  std::exception_ptr failure;

  std::shared_ptr<pool_batch> batch;
};

/// The tasks of one call. Everything but the batch's own kind is under the scheduler's lock.
class pool_batch {
 public:
  virtual ~pool_batch() = default;

  std::size_t unfinished = 0;  ///< tasks
  bool sealed = false;         ///< no further tasks will come
  bool keeps_finished = true;
  task_list finished;                                 ///< not yet taken by who waits for them
  std::list<std::function<void()>> when_done;         ///< to be called once, by the keeper
  unique_handle event;                                ///< raised when it is done, if asked for
  std::uint64_t items_answered = 0, nanoseconds = 0;  ///< for estimates
  std::optional<std::stop_callback<std::function<void()>>> stopping;  ///< see `pool_core::cancel_by`
  bool done() const noexcept { return sealed && unfinished == 0; }
};

/// Copies are the same pool. Thread-safe.
class pool_core {
 public:
  explicit pool_core(std::shared_ptr<scheduler> of) noexcept : scheduler_(std::move(of)) {}

  /// How items are written and answers read.
  const archive_options& packing() const;
  std::size_t workers() const;
  /// What every call does before it looks at what it is given.
  /// @throws pool_closed, or why the pool has ended
  /// @throws error  in a forked copy of the process that made the pool
  void check_open() const;
  /// A title for tasks whose arguments and results take so many bytes as plain ones: whether they go as such.
  record_title title_of_items(std::size_t plain_size, std::size_t result_size) const;

  /// A job or state that is the same for all that name it: one that needs nothing to be made.
  std::shared_ptr<const fixture> known_fixture(const callable& target);
  /// A new one, of what `write` writes.
  std::shared_ptr<const fixture> new_fixture(const call& what);

  /// Hands over a task whose members are set; it belongs to its batch, which counts it.
  /// @param comes_back  the caller will soon wait for its batch, so no other thread need look after it
  ///                    meanwhile
  /// @throws pool_closed, or why the pool has ended
  /// @throws error  in a forked copy of the process that made the pool, as the others do
  void submit(std::shared_ptr<pool_task> task, bool comes_back = false);
  /// Waits until a task that holds handles is done, so that there are descriptors again.
  /// @returns false when none does
  bool wait_for_handles();
  /// Says that no further tasks of a batch will come.
  void seal(pool_batch& batch);
  /// Waits until the batch has finished tasks to take, or is done.
  /// @returns false when `until` has passed before
  bool wait_any(pool_batch& batch, deadline until);
  /// Waits until a batch is done.
  bool wait_done(pool_batch& batch, deadline until);
  /// Takes what has finished since the last time. @returns that, and how many tasks have not
  std::pair<task_list, std::size_t> take_finished(pool_batch& batch);
  /// Gives up the tasks of a batch that no worker has begun; none in a forked copy. @returns how many
  std::size_t cancel(pool_batch& batch);
  /// Does that when it is requested. To be called once, before tasks are handed over.
  void cancel_by(const std::stop_token& token, const std::shared_ptr<pool_batch>& batch);
  /// Has a function called by the pool's own thread when the batch is done.
  void when_done(pool_batch& batch, std::function<void()> what);
  /// Becomes readable when the batch is done. Borrowed from the batch.
  handle_view handle_of(pool_batch& batch);
  /// How many items the next task of a batch should have, so that it takes long enough to be worth sending
  /// and no longer than it takes to even out between workers.
  /// @param left  items that are still to come, if that is known
  std::size_t automatic_chunk(const pool_batch& batch, std::optional<std::size_t> left) const;
  /// @throws error  when workers cannot be made to end, so that no timeout can be kept to
  void check_timeout(deadline::clock::duration timeout) const;

  scheduler& of() const { return held(scheduler_, "way to a pool"); }
  /// As `scheduler::end`; in a forked copy of the process that made it, drops it as it is.
  void end() noexcept;

 private:
  std::shared_ptr<scheduler> scheduler_;
};

}  // namespace detail
}  // namespace ferry
