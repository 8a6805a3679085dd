// Entering and leaving a mutex, and taking it over from an owner that has ended.
#include "sync/lock_state.hpp"

#include "os/handle.hpp"
#include "os/process_identity.hpp"

#include <cerrno>

namespace ferry::detail {
namespace {

std::uint32_t own_process() noexcept {
  return static_cast<std::uint32_t>(os::id_of(os::own_identity()));
}

// What a process has stored before it is killed is there afterwards, in whatever order: only the compiler
// must not move it.
void keep_order() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

lock_result::value lock_state::try_lock() {
  return entered(mutex_.try_lock());
}

lock_result::value lock_state::lock(deadline until) {
  return entered(mutex_.lock(until, spin_));
}

lock_result::value lock_state::entered(os::robust_mutex::outcome outcome) noexcept {
  if (outcome == os::robust_mutex::outcome::timed_out) return lock_result::not_acquired;
  if (outcome == os::robust_mutex::outcome::owner_died) take_over();
  const std::uint32_t before = depth();
  depth_.store(before + 1, std::memory_order_relaxed);
  if (before != 0) return lock_result::acquired;
  inside_.store(own_process(), std::memory_order_relaxed);
  keep_order();
  return dead() == 0 ? lock_result::acquired : lock_result::owner_died;
}

// Whoever is killed in here is the next one's dead owner, and the next one does it again.
void lock_state::take_over() noexcept {
  if (dead() == 0) dead_.store(inside(), std::memory_order_relaxed);
  keep_order();
  depth_.store(0, std::memory_order_relaxed);
}

void lock_state::unlock() {
  if (!is_held_by_this_thread())
    os::throw_system_error(EPERM, "unlock a mutex that this thread does not hold");
  const std::uint32_t before = depth();
  if (before <= 1) {
    keep_order();
    inside_.store(0, std::memory_order_relaxed);
  }
  depth_.store(before - 1, std::memory_order_relaxed);
  mutex_.unlock();
}

void lock_state::make_consistent() {
  if (!is_held_by_this_thread())
    os::throw_system_error(EPERM, "make a mutex consistent that this thread does not hold");
  keep_order();
  dead_.store(0, std::memory_order_relaxed);
}

}  // namespace ferry::detail
