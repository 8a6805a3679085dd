// SPDX-License-Identifier: BSL-1.0
// A lock in shared memory whose owner may be killed.
#pragma once

#include <ferry/deadline.hpp>

#include "os/own_ids.hpp"
#include "os/park.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>

namespace ferry::os {

/// The system's own robust, process-shared mutex: when the thread that holds it ends, however it ends, the
/// kernel marks it and wakes a waiter. Lives in shared memory at any address and is never destroyed, since no
/// process knows which others still have it. The thread that locks it unlocks it, through the same mapping.
///
/// Waiters look again at each `heartbeat`: a wake-up that was meant for a waiter that got killed may be lost
/// when a third thread took the mutex in between, and then no other would be woken.
class robust_mutex {
 public:
  enum class kind : std::uint8_t { plain, recursive };
  enum class outcome : std::uint8_t {
    acquired,
    owner_died,  ///< held, and the last owner ended while it held it
    timed_out,   ///< not held
  };

  /// Constructs it in place, once for all processes.
  explicit robust_mutex(kind which = kind::plain);
  robust_mutex(const robust_mutex&) = delete;
  robust_mutex& operator=(const robust_mutex&) = delete;
  ~robust_mutex() = default;

  /// @param spin  how long it paid to wait awake for this mutex in this process
  /// @throws system_error  when this thread holds a plain one already, or a recursive one too often
  outcome lock(deadline until, adaptive_spin& spin);
  /// As `lock` of a plain one, for who knows that this thread does not hold it. A thread of another namespace
  /// of process ids may have the same id, and if that one holds it, the system takes it for this one.
  outcome lock_from_another(deadline until, adaptive_spin& spin);
  /// @returns `timed_out` also when this thread holds a plain one already
  outcome try_lock();
  /// @throws system_error  when this thread does not hold it
  void unlock();
  /// Thread id of the owner, 0 if no thread holds it or the owner died; may be out of date at once.
  std::int64_t owner() const noexcept;
  /// Exact: no other thread can make it true or false.
  bool is_held_by_this_thread() const noexcept { return (word() & owner_mask) == own_ids().thread; }
  /// Whether a thread sleeps on it, as far as is known: one that was killed in its sleep is counted until the
  /// next unlock.
  bool has_waiters() const noexcept;

 private:
  // The word that the kernel looks at holds the thread id of the owner, and 0 there when the owner has died
  // (linux/Documentation/locking/robust-futex-ABI.rst). The C library has it first in its mutex.
  static constexpr std::uint32_t owner_mask = 0x3fffffff;
  std::uint32_t word() const noexcept {
    return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(storage_), __ATOMIC_RELAXED);
  }
  bool is_free() const noexcept { return owner() == 0; }
  outcome spin_for_it(adaptive_spin& spin);
  outcome sleep_for_it(deadline until);

  // As large as the C library's, which differs between architectures.
  alignas(8) std::byte storage_[sizeof(std::remove_pointer_t<std::mutex::native_handle_type>)];
};

}  // namespace ferry::os
