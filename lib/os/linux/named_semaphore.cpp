// SPDX-License-Identifier: BSL-1.0
// POSIX semaphores: files in /dev/shm, which the C library maps.
#include "os/named_semaphore.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <semaphore.h>
#include <time.h>
#include <utility>

namespace ferry::os {
namespace {

sem_t* native(void* semaphore) noexcept {
  return static_cast<sem_t*>(semaphore);
}

[[noreturn]] void fail(int code, const std::string& operation, const std::string& name) {
  throw_system_error(code, operation + " semaphore '" + name + "'");
}

// The C library allows as much, and then fails with reasons of other functions.
void check_name(const std::string& operation, const std::string& name) {
  constexpr std::size_t longest = 250;  // "sem." goes before it
  if (name.size() < 2 || name.front() != '/' || name.find('/', 1) != std::string::npos ||
      name.find('\0') != std::string::npos || name.size() > longest)
    fail(EINVAL,
         operation + ": a name is '/' and 1 to 249 characters, none of which is '/' or NUL; this is of",
         name);
}

}  // namespace

named_semaphore named_semaphore::create(const std::string& name, unsigned value) {
  check_name("create", name);
  constexpr mode_t this_user_only = 0600;
  sem_t* const made = ::sem_open(name.c_str(), O_CREAT | O_EXCL, this_user_only, value);
  if (made == SEM_FAILED) fail(errno, "create", name);
  return named_semaphore(made);
}

named_semaphore named_semaphore::open(const std::string& name) {
  check_name("open", name);
  sem_t* const opened = ::sem_open(name.c_str(), 0);
  if (opened == SEM_FAILED) fail(errno, "open", name);
  return named_semaphore(opened);
}

void named_semaphore::unlink(const std::string& name) {
  check_name("unlink", name);
  if (::sem_unlink(name.c_str()) != 0) fail(errno, "unlink", name);
}

named_semaphore::named_semaphore(named_semaphore&& other) noexcept
    : native_(std::exchange(other.native_, nullptr)) {}

named_semaphore::~named_semaphore() {
  if (native_ != nullptr) ::sem_close(native(native_));
}

bool named_semaphore::try_acquire() const noexcept {
  int result = 0;
  do result = ::sem_trywait(native(native_));
  while (result != 0 && errno == EINTR);
  return result == 0;
}

bool named_semaphore::acquire(deadline until) const {
  for (;;) {
    if (try_acquire()) return true;
    if (until.expired()) return false;
    const deadline next = next_heartbeat(until);
    const auto since = (deadline::clock::now() + next.remaining()).time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec end{static_cast<time_t>(seconds.count()),
                       static_cast<long>(std::chrono::nanoseconds(since - seconds).count())};
    if (::sem_clockwait(native(native_), CLOCK_MONOTONIC, &end) == 0) return true;
    if (errno != EINTR && errno != ETIMEDOUT) throw_system_error(errno, "wait for a named semaphore");
  }
}

void named_semaphore::release() const {
  if (::sem_post(native(native_)) != 0) throw_system_error(errno, "release a named semaphore");
}

int named_semaphore::value() const noexcept {
  int now = 0;
  ::sem_getvalue(native(native_), &now);
  return now;
}

std::int64_t most_of_a_named_semaphore() noexcept {
  return SEM_VALUE_MAX;
}

}  // namespace ferry::os
