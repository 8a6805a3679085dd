// SPDX-License-Identifier: BSL-1.0
// The state of a mutex in shared memory.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/mutex.hpp>

#include "os/own_ids.hpp"
#include "os/robust_mutex.hpp"

#include <atomic>
#include <cstdint>
#include <new>

namespace ferry::detail {

/// The system's robust mutex, and beside it who is inside, which decides what a death means: `holder_` is
/// stored after the mutex was taken and cleared before it is given back, so an owner that dies with it set
/// may have left something half changed, and one that dies without it cannot.
class lock_state {
 public:
  explicit lock_state(lock_kind kind)
      : mutex_(kind == lock_kind::plain ? os::robust_mutex::kind::plain : os::robust_mutex::kind::recursive) {
  }

  // Short and in one piece with what calls them: beside the system's mutex this is to cost next to nothing.
  lock_result::value try_lock() { return entered(mutex_.try_lock()); }
  lock_result::value lock(deadline until) {
    const auto at_once = mutex_.try_lock();
    if (at_once != os::robust_mutex::outcome::timed_out) [[likely]]
      return entered(at_once);
    return entered(mutex_.lock(until, spin_));
  }
  /// @throws system_error  when this thread does not hold it
  void unlock() {
    if (!is_held_by_this_thread()) [[unlikely]]
      refuse("unlock a mutex that this thread does not hold");
    const std::uint64_t before = holder_.load(std::memory_order_relaxed);
    keep_order();
    holder_.store(before >= 2 * one_level ? before - one_level : 0, std::memory_order_relaxed);
    mutex_.unlock();
  }
  /// @throws system_error  when this thread does not hold it
  void make_consistent();

  /// The process whose end made it inconsistent, 0 if it is consistent.
  std::uint32_t dead() const noexcept { return dead_.load(std::memory_order_relaxed); }
  /// The process that is inside, or was when it ended; 0 if none.
  std::uint32_t inside() const noexcept {
    return static_cast<std::uint32_t>(holder_.load(std::memory_order_relaxed));
  }
  /// How often its owner has locked it.
  std::uint32_t depth() const noexcept {
    return static_cast<std::uint32_t>(holder_.load(std::memory_order_relaxed) >> 32U);
  }
  bool is_held_by_this_thread() const noexcept { return mutex_.is_held_by_this_thread(); }
  /// Thread id, 0 if no thread holds it.
  std::int64_t owner_thread() const noexcept { return mutex_.owner(); }
  bool has_waiters() const noexcept { return mutex_.has_waiters(); }

 private:
  // What a process has stored before it is killed is there afterwards, in whatever order: only the compiler
  // must not move it.
  static void keep_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  lock_result::value entered(os::robust_mutex::outcome outcome) noexcept {
    if (outcome != os::robust_mutex::outcome::acquired) [[unlikely]] {
      if (outcome == os::robust_mutex::outcome::timed_out) return lock_result::not_acquired;
      take_over();
    }
    const std::uint64_t before = holder_.load(std::memory_order_relaxed);
    if (before != 0) {
      holder_.store(before + one_level, std::memory_order_relaxed);
      return lock_result::acquired;
    }
    holder_.store(one_level | os::own_ids().process, std::memory_order_relaxed);
    keep_order();
    return dead() == 0 ? lock_result::acquired : lock_result::owner_died;
  }
  void take_over() noexcept;
  [[noreturn]] static void refuse(const char* what);

  os::robust_mutex mutex_;
  os::adaptive_spin spin_;
  // Written by the owner alone. The holder: its process in the low half, how often it has locked in the high.
  static constexpr std::uint64_t one_level = std::uint64_t{1} << 32U;
  std::atomic<std::uint32_t> dead_{0};
  std::atomic<std::uint64_t> holder_{0};
};
// One cache line, with the label in front of it, where the system's mutex leaves room for that.
static_assert(sizeof(os::robust_mutex) > 40 || sizeof(lock_state) <= 56);

inline lock_state& lock_at(const shared_location& location) {
  return *std::launder(reinterpret_cast<lock_state*>(location.address()));
}

constexpr shared_kind mutex_kind = make_shared_kind("mutx"), recursive_mutex_kind = make_shared_kind("rmtx");

}  // namespace ferry::detail
