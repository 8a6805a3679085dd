// SPDX-License-Identifier: BSL-1.0
// What becomes of tasks that are done: their calls learn of it, and what they held open is closed.
#pragma once

#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/handle.hpp>

#include "pool/pool_worker.hpp"
#include "pool/turns.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <vector>

namespace ferry::detail {

/// Under the pool's lock. Closing a handle may take as long as whoever made it likes, and dropping a worker
/// too: both are done by `drop`, without the lock.
class completions {
 public:
  explicit completions(turns& whose_turn) noexcept : turns_(whose_turn) {}

  /// A task that has been taken in.
  void add(const pool_task& task) noexcept;
  /// A task that has been cut in two, each of which holds some of its handles.
  void has_been_split(const pool_task& one, const pool_task& other) noexcept;
  /// The task is done: with its answer, or with `failure`.
  /// @param of  the list that it is in, which it leaves
  void settle(task_list& of, task_list::iterator which, std::exception_ptr failure) noexcept;
  /// No more tasks of the batch will come.
  void seal(pool_batch& batch);

  /// Becomes readable when the batch is done. Borrowed from the batch.
  /// @throws system_error  when descriptors have run out
  handle_view event_of(pool_batch& batch);
  /// Has `what` called by the keeper when the batch is done.
  void when_done(pool_batch& batch, std::function<void()> what);
  /// To batches that are not done: there are callbacks and events that somebody waits for elsewhere.
  bool any_promised() const noexcept { return promised_ != 0; }
  /// Callbacks that are to be made now.
  std::list<std::function<void()>> take_callbacks() noexcept;
  bool any_callbacks() const noexcept { return !callbacks_.empty(); }

  /// Tasks in the pool that hold handles.
  std::size_t holding() const noexcept { return holding_; }
  /// How often handles have been closed.
  std::uint64_t let_go() const noexcept { return let_go_; }

  void drop_later(std::vector<unique_handle>& handles) noexcept;
  void drop_later(received_record& answer) noexcept;
  /// @throws std::bad_alloc  the worker is where it was
  void drop_later(std::unique_ptr<pool_worker>& ended) { ended_.push_back(std::move(ended)); }
  /// Gives the lock back for as long as it takes.
  void drop(std::unique_lock<std::mutex>& lock);

 private:
  void keep_promises(pool_batch& batch) noexcept;
  static void drop_apart(worker_list ended) noexcept;

  turns& turns_;
  worker_list ended_;
  std::vector<unique_handle> dropped_;
  std::size_t holding_ = 0, letting_go_ = 0;  // of the first, those whose handles are about to be closed
  std::uint64_t let_go_ = 0;
  std::list<std::function<void()>> callbacks_;
  std::size_t promised_ = 0;
};

}  // namespace ferry::detail
