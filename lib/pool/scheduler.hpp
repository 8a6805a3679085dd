// SPDX-License-Identifier: BSL-1.0
// A pool without its types: puts the parts together under one lock.
#pragma once

#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/engine.hpp>
#include <ferry/pool_options.hpp>

#include "base/fork.hpp"
#include "pool/completions.hpp"
#include "pool/dispatcher.hpp"
#include "pool/installed_jobs.hpp"
#include "pool/pool_phase.hpp"
#include "pool/supervisor.hpp"
#include "pool/turns.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ferry::detail {

/// There is no thread between callers and workers. A thread that waits for a task looks after all workers
/// meanwhile; when several wait, one of them does (see `turns`). A thread of the pool's own, the keeper, does
/// what is left when none waits, and what takes longer: starting workers, timeouts, and calling back.
/// Everything is under one lock, which is held neither while user code runs nor while anything blocks.
///
/// Thread-safe.
class scheduler final : public std::enable_shared_from_this<scheduler>, private turn_work {
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
  std::size_t workers() const noexcept { return supervisor_.wanted(); }
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
  /// @throws usage_error  in a forked copy of the process that made the pool, as all that needs the lock
  template <class Work>
  auto locked(Work&& work) {
    const lock_type lock = lock_here();
    return work();
  }

  /// Drops a job or a state from the workers that have it: with the next call, or soon where it holds
  /// something open.
  void forget(const fixture& what) noexcept;

  void close();
  void terminate();
  bool join(deadline until);
  /// The end, within bounded time: gives up what has not been begun, waits a moment for what has, then
  /// terminates.
  void end() noexcept;
  /// In a forked copy of the process that made it: it has no workers and no keeper.
  bool is_copy() const noexcept { return made_in_.is_copy(); }
  std::vector<std::int64_t> pids();

 private:
  scheduler(std::size_t workers, pool_options options, std::unique_ptr<const call> initializer);

  lock_type lock_here();
  void check_carriage(const pool_task& task) const;
  void call_keeper_if_needed() noexcept;

  bool look(lock_type& lock) override;
  bool look_closer() override;
  void look_after_workers(lock_type& lock) override;
  void leave_to_keeper() noexcept override { call_keeper_if_needed(); }

  void keep() noexcept;
  void keep_once(lock_type& lock);
  void call_back(lock_type& lock);
  bool is_keeper() const noexcept { return std::this_thread::get_id() == keeper_.get_id(); }

  const pool_options options_;
  const std::unique_ptr<const call> initializer_;
  const archive_options packing_;
  const std::shared_ptr<engine> engine_;
  const pool_clock clock_;

  std::mutex mutex_;
  turns turns_{*this};
  pool_phase phase_;
  installed_jobs jobs_;
  completions completions_{turns_};
  const dispatcher::parts parts_{jobs_, completions_, turns_, clock_};
  dispatcher dispatcher_;
  supervisor supervisor_;

  const fork_mark made_in_;
  std::thread keeper_;
};

}  // namespace ferry::detail
