// SPDX-License-Identifier: BSL-1.0
// Exceptions of locks and barriers: when others have ended or given up.
#pragma once

#include <ferry/error.hpp>

#include <cstdint>
#include <memory>

namespace ferry {

namespace detail {
class held_lock;
}  // namespace detail

/// A process, or a thread, ended while it held a lock: what the lock protects may be half changed.
///
/// The lock *is* held, by this exception and its copies. Who repairs what it protects keeps it:
///
///   std::unique_lock<ferry::mutex> lock;
///   try {
///     lock = std::unique_lock(guard);
///   } catch (const ferry::owner_died& died) {
///     repair();
///     guard.make_consistent();
///     died.keep();                                      // as if lock() had returned
///     lock = std::unique_lock(guard, std::adopt_lock);
///   }
///
/// If no thread keeps it, the lock is released with the exception, and the next one to lock it is told as
/// well. A thread can only release what it locked: an exception that is handed to another thread and goes
/// there leaves the lock held until the thread that it came from ends.
class owner_died : public error {
 public:
  /// One that holds nothing.
  /// @param pid  id of the process that ended, or a thread of which did
  explicit owner_died(std::int64_t pid);
  /// One that holds a lock.
  owner_died(std::int64_t pid, std::shared_ptr<const detail::held_lock> held);

  std::int64_t pid() const noexcept { return pid_; }
  /// Hands the lock to the calling thread, which unlocks it when it is done. Does nothing when the exception
  /// holds none, as one that was thrown in another process.
  void keep() const noexcept;

  error_kind kind() const noexcept override { return error_kind::disconnected; }

 private:
  std::int64_t pid_;
  std::shared_ptr<const detail::held_lock> held_;
};

/// The barrier that was waited at is broken, or was reset meanwhile: not all parties came together.
class broken_barrier : public error {
 public:
  enum class cause : std::uint8_t {
    aborted,        ///< a process called `abort()`
    reset,          ///< a process called `reset()`; the barrier is in order again
    timed_out,      ///< a party has waited for as long as it wanted to
    action_failed,  ///< the action threw
    process_ended,  ///< one that had waited here before ended without leaving the barrier
    forgotten,      ///< so many rounds have gone by that it is not known any more
  };

  /// @param pid  id of the process that did so or ended, 0 if unknown
  broken_barrier(cause why, std::int64_t pid);

  cause why() const noexcept { return why_; }
  std::int64_t pid() const noexcept { return pid_; }

  error_kind kind() const noexcept override { return error_kind::disconnected; }

 private:
  cause why_;
  std::int64_t pid_;
};

}  // namespace ferry
