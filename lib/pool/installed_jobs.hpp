// SPDX-License-Identifier: BSL-1.0
// The jobs and states that workers have: installed in each once, before the first task that needs them.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/detail/pool/pool_core.hpp>

#include "pool/pool_worker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace ferry::detail {

/// Under the pool's lock, but for `forget`.
class installed_jobs {
 public:
  /// Of records, jobs and states, which share one row of numbers.
  std::uint64_t new_id() noexcept { return ++last_id_; }
  /// The record that has a worker make what `what` says, as job or state `id`.
  /// @throws what writing it throws
  static pool_record record_of(const call& what, std::uint64_t id, const archive_options& packing);

  /// The job of a callable without state, which is one for all calls; null if it has none yet.
  std::shared_ptr<const fixture> known(const callable& target) const;
  /// Makes it known. @returns the one that is known: another thread may have been faster
  std::shared_ptr<const fixture> keep(const callable& target, std::shared_ptr<const fixture> made);

  /// Has a worker make it, unless it has it.
  /// @returns false when it takes no more for now
  /// @throws why it is made no more, and what sending throws
  static bool install(pool_worker& in, const fixture& what);
  /// A record that was sent to make or to forget something has been taken back.
  void was_recalled(pool_worker& from, const pool_task& record) noexcept;

  /// Drops it from the workers that have it, with the next call of `send_forgotten`. Any thread; no lock.
  /// @returns false when there is no memory to note it: the workers keep it until they end
  bool forget(std::uint64_t id) noexcept;
  void send_forgotten(worker_list& all) noexcept;

 private:
  std::uint64_t last_id_ = 0;
  std::unordered_map<const callable*, std::shared_ptr<const fixture>> known_;

  std::mutex forgotten_mutex_;
  std::vector<std::uint64_t> forgotten_;
  std::atomic<bool> any_forgotten_{false};
};

}  // namespace ferry::detail
