// SPDX-License-Identifier: BSL-1.0
// It releases what it waits with, so that is no bare mutex, and no guard that cannot be released.
#include <ferry/condition_variable.hpp>

#include <mutex>

void wait(const ferry::condition_variable& changed, ferry::recursive_mutex& guard, const bool& ready) {
#ifdef FERRY_CONTROL
  std::unique_lock lock(guard);
#else
  std::lock_guard lock(guard);
#endif
  changed.wait(lock, [&] { return ready; });
}
