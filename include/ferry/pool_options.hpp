// SPDX-License-Identifier: BSL-1.0
// Options of a pool, and of the calls that it makes.
#pragma once

#include <ferry/context.hpp>
#include <ferry/limits.hpp>
#include <ferry/transfer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

namespace ferry {

class engine;

struct pool_options {
  /// Whether guarded objects (queues, mutexes) may be arguments and results of tasks. Those of the
  /// initializer always may.
  transfer mode = transfer::inherit;
  const dispatch_table* table = nullptr;  ///< for arguments and results; null: the global one
  limits limit = {};                      ///< of one task's arguments, and of its result
  /// After how many tasks a worker is replaced by a new one; 0: never.
  std::size_t max_tasks_per_worker = 0;
  /// Most address space of a worker in bytes (RLIMIT_AS): what asks for more gets std::bad_alloc. 0: no
  /// limit.
  std::size_t max_memory = 0;
  /// How long tasks that have begun may take when the pool is destroyed, before their workers are terminated.
  std::chrono::milliseconds grace = std::chrono::seconds(1);
  std::optional<ferry::context> context = {};  ///< how workers are started; unset: `default_context()`
  std::shared_ptr<ferry::engine> engine = {};  ///< what workers are; null: processes
};

/// For the tasks of a call; see `pool::with`.
struct task_options {
  /// A worker that takes longer for one task (or one item of a chunk) is killed, and the task fails with
  /// `worker_died`. Zero: no limit. The time runs from the task's beginning: what its worker's initializer
  /// and the making of a state take is not part of it. A worker that does not begin for as long, as one that
  /// is stopped, is killed too, and its task given to another; not before a second, and after ten at the
  /// latest.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero();
  /// How often a task is run again when its worker dies.
  unsigned retries = 0;
};

/// How far a `map` or `imap` has come.
struct map_progress {
  std::size_t done = 0;                   ///< items
  std::optional<std::size_t> total = {};  ///< where the input knows its size
  double rate = 0;                        ///< items a second, since the start
};

/// For `map` and its kin.
struct map_options {
  /// Items that go to a worker together; if it dies, they share its fate up to the one it was at. 0: found by
  /// the time that items take.
  std::size_t chunk_size = 0;
  /// Most items that are with workers or wait to be read, `imap` and `imap_unordered` only: the input is
  /// never more than this ahead of the reader. 0: 64 for each worker.
  std::size_t max_in_flight = 0;
  /// When it is stopped, nothing more is read from the input or begun: `map` and the `get` of a `map_async`
  /// throw `task_cancelled`, the range of an `imap` ends.
  std::stop_token stop = {};
  /// Called now and then, and at the end, by the thread that waits for results; not by `map_async`.
  std::function<void(const map_progress&)> progress = {};
};

}  // namespace ferry
