// SPDX-License-Identifier: BSL-1.0
// A worker as its pool knows it.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace ferry::detail {

/// Under the lock of its pool.
struct pool_worker {
  std::unique_ptr<worker_link> link;
  task_list sent;                               ///< and not known to be done
  std::unordered_set<std::uint64_t> installed;  ///< ids of jobs and states
  std::size_t tasks = 0;                        ///< of `sent`, that are to be run
  std::size_t bytes = 0;                        ///< of these
  std::uint64_t nanoseconds = 0;                ///< that they are expected to take
  std::size_t given = 0;                        ///< tasks since its start
  bool finishing = false;                       ///< it has been told that there will be no more
  // Why it has been killed.
  bool timed_out = false, misbehaved = false, unreadable = false;
  bool stuck = false;            ///< its tasks could not be recalled
  std::uint64_t refused_in = 0;  ///< the round of placing in which it took no more
  std::optional<deadline::clock::time_point> unrecallable_since;  ///< since its tasks cannot be recalled
  // What it is to run next or runs, and since when; for tasks with a timeout. By the pool's clock, since the
  // worker may say what it likes.
  std::uint64_t next_id = 0;
  deadline::clock::time_point next_since;
  std::optional<deadline::clock::time_point> begun_since;  ///< when it was first seen to run it
  bool was_ready = false;

  static bool is_to_be_run(const std::shared_ptr<pool_task>& task) noexcept {
    return task->what == record_title::kind::run;
  }
  /// What it runs, or will run next: the end of `sent` if nothing.
  task_list::const_iterator running() const noexcept {
    return std::find_if(sent.begin(), sent.end(), is_to_be_run);
  }
  task_list::iterator running() noexcept { return std::find_if(sent.begin(), sent.end(), is_to_be_run); }
};

using worker_list = std::vector<std::unique_ptr<pool_worker>>;

/// What a pool tells the time by.
class pool_clock {
 public:
  using time_point = deadline::clock::time_point;
  static constexpr time_point never = time_point::max(), at_once = time_point::min();

  pool_clock() = default;
  virtual ~pool_clock() = default;
  pool_clock(const pool_clock&) = delete;
  pool_clock& operator=(const pool_clock&) = delete;

  virtual time_point now() const noexcept { return deadline::clock::now(); }
};

}  // namespace ferry::detail
