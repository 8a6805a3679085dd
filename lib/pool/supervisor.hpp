// SPDX-License-Identifier: BSL-1.0
// Starts the workers of a pool, replaces those that die, and kills those that take too long.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/engine.hpp>
#include <ferry/pool_options.hpp>

#include "os/wait_set.hpp"
#include "pool/dispatcher.hpp"
#include "pool/pool_phase.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>

namespace ferry::detail {

/// Under the pool's lock, which is given back only while a worker is started.
///
/// Its methods may end with what shows that memory or descriptors have run out, and are called again later.
class supervisor {
 public:
  using lock_type = std::unique_lock<std::mutex>;
  using time_point = pool_clock::time_point;

  /// @param engine  where the workers live; outlives them
  /// @param initializer  what each begins with; null for nothing
  /// @param phase  is broken off when no worker can be had
  /// @throws system_error  when descriptors have run out; it takes one
  supervisor(std::size_t workers, const pool_options& options, engine& engine, const call* initializer,
             const archive_options& packing, const dispatcher::parts& of, dispatcher& tasks,
             pool_phase& phase);

  std::size_t wanted() const noexcept { return wanted_; }
  /// To be called once, before all others. @throws what keeps a worker from being started
  void start_all();

  /// Sees to workers that have ended: what they ran fails or is run again, and what waits goes to others.
  void reap_ended();
  /// Kills those that take too long, or longer than `kill_all_after` allows; recalls tasks anew.
  void kill_late();
  /// Starts workers until there are as many as there should be.
  void replace(lock_type& lock);
  /// Tells all workers that there will be no more tasks, when that is so.
  void finish_all();
  /// Asks all to end at once.
  void terminate_all() noexcept;
  /// All are killed unless they have ended by then. The first call counts.
  void kill_all_after(deadline::clock::duration time) noexcept;

  /// When one of these is to be called again, if nothing happens before; at the latest.
  deadline next_event();
  /// Readable when a worker has ended.
  handle_view deaths() const noexcept { return deaths_.handle(); }

  /// How many workers in a row may end before they are ready. Then the pool ends, with what the last one
  /// threw.
  static constexpr std::size_t most_failed_starts = 3;
  /// The same for those that the system refuses, for lack of something that others may soon give back.
  static constexpr std::size_t most_refused_starts = 50;
  /// And, for each worker of the pool, when they are ready but have begun nothing yet: it takes more of them,
  /// since what kills idle workers may well kill all at once.
  static constexpr std::size_t most_idle_deaths = 10;
  /// How many workers may die of making the same job or state. Then the tasks that need it fail.
  static constexpr std::size_t most_deaths_of_making = 3;
  /// How long it takes after a failure to try again.
  static constexpr std::chrono::milliseconds pause_after_failure{100};
  /// How long a worker may take to begin a task with a timeout, which is as long as the timeout within these
  /// bounds: one that is stopped never does, and one of a busy machine does a little later.
  static constexpr std::chrono::seconds least_time_to_begin{1}, most_time_to_begin{10};
  /// How long workers have between SIGTERM and SIGKILL.
  static constexpr std::chrono::seconds kill_after{2};

 private:
  std::unique_ptr<pool_worker> start_worker();
  void add(std::unique_ptr<pool_worker> who);
  void reap(pool_worker& ended, const worker_end& how);
  void died_making(std::uint64_t what, const std::exception_ptr& why);
  void died_idle(std::exception_ptr why);
  void failed_to_start(std::exception_ptr why, std::size_t most);
  void break_off(std::exception_ptr why);
  void give_up_what_is_left() noexcept;
  time_point latest_end(pool_worker& who) const;

  const std::size_t wanted_;
  const pool_options& options_;
  engine& engine_;
  const call* const initializer_;
  const archive_options& packing_;
  const dispatcher::parts of_;
  dispatcher& tasks_;
  pool_phase& phase_;

  os::wait_set deaths_;            // the workers' handles
  std::size_t started_ = 0;        // ever
  std::size_t failed_starts_ = 0;  // in a row
  std::size_t idle_deaths_ = 0;    // of workers that had begun nothing, since the last answer of any
  std::uint64_t answers_before_ = 0;
  time_point next_start_ = pool_clock::at_once, kill_all_ = pool_clock::never;
};

}  // namespace ferry::detail
