// SPDX-License-Identifier: BSL-1.0
// A condition variable among processes waits with a lock among processes.
#include <ferry/condition_variable.hpp>

#include <mutex>

#ifdef FERRY_CONTROL
void wait(const ferry::condition_variable& changed, std::unique_lock<ferry::mutex>& lock) {
#else
void wait(const ferry::condition_variable& changed, std::unique_lock<std::mutex>& lock) {
#endif
  changed.wait(lock);
}
