// SPDX-License-Identifier: BSL-1.0
// A condition variable among processes waits with a lock among processes.
// expect: ferry: a ferry::condition_variable waits with a std::unique_lock of a ferry::mutex or
// expect: other processes cannot take the lock of another kind
// in the header alone
#include <ferry/condition_variable.hpp>

#include <mutex>

#ifdef FERRY_CONTROL
void wait(const ferry::condition_variable& changed, std::unique_lock<ferry::mutex>& lock) {
#else
void wait(const ferry::condition_variable& changed, std::unique_lock<std::mutex>& lock) {
#endif
  changed.wait(lock);
}
