// SPDX-License-Identifier: BSL-1.0
// How far a pool has come to its end.
#pragma once

#include <atomic>
#include <exception>

namespace ferry::detail {

/// Open, then closed, terminated, destroyed or broken, in any order and combination; never open again.
/// Changed and read under the pool's lock, but for `takes_no_more`.
class pool_phase {
 public:
  pool_phase();

  /// No more tasks are taken.
  void close() noexcept { closed_ = takes_no_more_ = true; }
  /// And those that there are are given up.
  void terminate() noexcept { closed_ = terminated_ = takes_no_more_ = true; }
  /// The pool's owner waits for its end.
  void stop() noexcept { closed_ = stopping_ = takes_no_more_ = true; }
  /// No worker can be had.
  void break_off(std::exception_ptr why) noexcept;
  /// The pool's own thread has come to its end.
  void end() noexcept { ended_ = true; }

  bool closed() const noexcept { return closed_; }
  bool terminated() const noexcept { return terminated_; }
  bool stopping() const noexcept { return stopping_; }
  bool broken() const noexcept { return broken_ != nullptr; }
  bool ended() const noexcept { return ended_; }
  /// Without the lock: whether `check_open` throws, or is about to.
  bool takes_no_more() const noexcept { return takes_no_more_.load(std::memory_order_acquire); }
  /// @throws pool_closed, or why the pool is broken
  void check_open() const;

  /// Why tasks that no worker has begun are given up; null while they are not.
  std::exception_ptr why_given_up() const noexcept;
  // Made beforehand: when they are needed, there may be no memory.
  const std::exception_ptr was_terminated, was_destroyed, was_cancelled;

 private:
  bool closed_ = false, terminated_ = false, stopping_ = false, ended_ = false;
  std::atomic<bool> takes_no_more_{false};
  std::exception_ptr broken_;
};

}  // namespace ferry::detail
