// What a mutex is in shared memory.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/mutex.hpp>

#include "os/robust_mutex.hpp"

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// The system's robust mutex, and beside it who is inside, which decides what a death means: `inside_` is
/// stored after the mutex was taken and cleared before it is given back, so an owner that dies with it set
/// may have left something half changed, and one that dies without it cannot.
class lock_state {
 public:
  explicit lock_state(lock_kind kind)
      : mutex_(kind == lock_kind::plain ? os::robust_mutex::kind::plain : os::robust_mutex::kind::recursive) {
  }

  lock_result::value try_lock();
  lock_result::value lock(deadline until);
  /// @throws system_error  when this thread does not hold it
  void unlock();
  /// @throws system_error  when this thread does not hold it
  void make_consistent();

  /// The process whose end made it inconsistent, 0 if it is consistent.
  std::uint32_t dead() const noexcept { return dead_.load(std::memory_order_relaxed); }
  /// The process that is inside, or was when it ended; 0 if none.
  std::uint32_t inside() const noexcept { return inside_.load(std::memory_order_relaxed); }
  /// How often its owner has locked it.
  std::uint32_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }
  bool is_held_by_this_thread() const noexcept { return mutex_.is_held_by_this_thread(); }
  /// Thread id, 0 if nobody holds it.
  std::int64_t owner_thread() const noexcept { return mutex_.owner(); }
  bool has_waiters() const noexcept { return mutex_.has_waiters(); }

 private:
  lock_result::value entered(os::robust_mutex::outcome outcome) noexcept;
  void take_over() noexcept;

  os::robust_mutex mutex_;
  os::adaptive_spin spin_;
  // Written by the owner alone.
  std::atomic<std::uint32_t> inside_{0}, dead_{0}, depth_{0};
};

constexpr shared_kind mutex_kind = make_shared_kind("mutx"), recursive_mutex_kind = make_shared_kind("rmtx");

}  // namespace ferry::detail
