// SPDX-License-Identifier: BSL-1.0
// The robust mutex of the C library.
#include "os/robust_mutex.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/wait.hpp"

#include <cerrno>
#include <linux/futex.h>
#include <new>
#include <pthread.h>
#include <string>
#include <time.h>

#if defined(__SANITIZE_THREAD__)
#  define FERRY_THREAD_SANITIZER
#elif defined(__has_feature)
#  if __has_feature(thread_sanitizer)
#    define FERRY_THREAD_SANITIZER
#  endif
#endif

#ifdef FERRY_THREAD_SANITIZER
#  include <sanitizer/tsan_interface.h>
extern "C" [[gnu::weak]] int __interceptor_pthread_mutex_clocklock(pthread_mutex_t*, clockid_t,
                                                                   const timespec*);
#endif

namespace ferry::os {
namespace {

int lock_until(pthread_mutex_t* mutex, const timespec& end) {
  const int result = ::pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &end);
#ifdef FERRY_THREAD_SANITIZER
  // That of GCC 12 and Clang 14 does not see this call, and would take the unlock for a mistake.
  if (__interceptor_pthread_mutex_clocklock == nullptr && (result == 0 || result == EOWNERDEAD)) {
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
  }
#endif
  return result;
}

pthread_mutex_t* native(std::byte* storage) noexcept {
  return std::launder(reinterpret_cast<pthread_mutex_t*>(storage));
}

// Out of the way of what is always done, as is the error below.
[[gnu::noinline]] robust_mutex::outcome outcome_of(int result, pthread_mutex_t* mutex,
                                                   const char* operation) {
  switch (result) {
    case 0:
      return robust_mutex::outcome::acquired;
    case EOWNERDEAD:
      // At once, or a second death before the next unlock would make the mutex unusable for ever. What the
      // dead owner left unfinished is for the caller to know.
      ::pthread_mutex_consistent(mutex);
      return robust_mutex::outcome::owner_died;
    case EBUSY:
    case ETIMEDOUT:
      return robust_mutex::outcome::timed_out;
    case EDEADLK:
      throw_system_error(result, std::string(operation) +
                                     " that this thread holds already: use a recursive one if it may be "
                                     "locked more than once");
    case EAGAIN:
      throw_system_error(result, std::string(operation) + " more often than the system counts");
    default:
      throw_system_error(result, operation);
  }
}

[[noreturn, gnu::noinline]] void fail_to_unlock(int result) {
  throw_system_error(result, "unlock a mutex that this thread does not hold");
}

}  // namespace

robust_mutex::robust_mutex(kind which) {
  static_assert(sizeof(pthread_mutex_t) == sizeof storage_ && alignof(pthread_mutex_t) <= 8);
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutexattr_settype(&attributes,
                              which == kind::recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
  const int result = ::pthread_mutex_init(::new (storage_) pthread_mutex_t, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  if (result != 0) throw_system_error(result, "make a mutex that survives its owner");
}

robust_mutex::outcome robust_mutex::try_lock() {
  pthread_mutex_t* const mutex = native(storage_);
  const int result = ::pthread_mutex_trylock(mutex);
  if (result == 0) [[likely]]
    return outcome::acquired;
  return result == EDEADLK ? outcome::timed_out : outcome_of(result, mutex, "try to lock a mutex");
}

robust_mutex::outcome robust_mutex::lock(deadline until, adaptive_spin& spin) {
  if (const outcome result = try_lock(); result != outcome::timed_out || until.is_immediate()) return result;
  const outcome spun = spin_for_it(spin);
  return spun != outcome::timed_out ? spun : sleep_for_it(until);
}

robust_mutex::outcome robust_mutex::lock_from_another(deadline until, adaptive_spin& spin) {
  for (retry_pause pause;;) {
    if (!is_held_by_this_thread()) {
      try {
        return lock(until, spin);
      } catch (const system_error& refusal) {
        // It came to be held by such a one only now.
        if (refusal.code() != std::errc::resource_deadlock_would_occur) throw;
      }
    }
    if (!pause(until)) return outcome::timed_out;
  }
}

// Only reads until it looks free: a processor that tries without success takes the cache line from the owner.
robust_mutex::outcome robust_mutex::spin_for_it(adaptive_spin& spin) {
  outcome result = outcome::timed_out;
  spin([&] { return is_free() && (result = try_lock()) != outcome::timed_out; });
  return result;
}

robust_mutex::outcome robust_mutex::sleep_for_it(deadline until) {
  pthread_mutex_t* const mutex = native(storage_);
  for (;;) {
    const deadline next = next_heartbeat(until);
    const auto since = (deadline::clock::now() + next.remaining()).time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec end{static_cast<time_t>(seconds.count()),
                       static_cast<long>(std::chrono::nanoseconds(since - seconds).count())};
    const outcome result = outcome_of(lock_until(mutex, end), mutex, "lock a mutex");
    if (result != outcome::timed_out || until.expired()) return result;
  }
}

void robust_mutex::unlock() {
  const int result = ::pthread_mutex_unlock(native(storage_));
  if (result != 0) [[unlikely]]
    fail_to_unlock(result);
}

std::int64_t robust_mutex::owner() const noexcept {
  static_assert(owner_mask == FUTEX_TID_MASK);
  return word() & owner_mask;
}

bool robust_mutex::has_waiters() const noexcept {
  return (word() & FUTEX_WAITERS) != 0;
}

}  // namespace ferry::os
