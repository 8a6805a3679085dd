// SPDX-License-Identifier: BSL-1.0
// Owning, duplicating and counting file descriptors.
#include "os/handle.hpp"

#include <ferry/error.hpp>

#include "os/handle_limit.hpp"
#include "os/linux/system_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <linux/kcmp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace ferry {

void unique_handle::reset() noexcept {
  // No retry on EINTR: Linux has released the number already, and another thread may own it by now.
  if (valid()) ::close(release());
}

unique_handle duplicate(handle_view handle) {
  const int copy = os::calls().dup_cloexec(handle.native());
  if (copy < 0) os::throw_system_error("duplicate descriptor " + std::to_string(handle.native()));
  return unique_handle(copy);
}

namespace os {

system_calls& calls() noexcept {
  // Without a guard, which a signal handler could meet held: it wakes others through this table.
  static constinit system_calls table;
  return table;
}

std::int32_t number_of(handle_view handle) noexcept {
  return handle.native();
}

bool same_object(handle_view a, handle_view b) {
  // Since Linux 6.10, and about this process alone: kcmp may be refused, as are other calls that look at
  // processes.
  constexpr int query_duplicate = 1027;
  if (const int same = ::fcntl(a.native(), query_duplicate, b.native()); same >= 0) return same == 1;
  const pid_t self = ::getpid();
  return ::syscall(SYS_kcmp, self, self, KCMP_FILE, a.native(), b.native()) == 0;
}

bool lingers(handle_view handle) noexcept {
  linger asked{};
  socklen_t size = sizeof asked;
  return ::getsockopt(handle.native(), SOL_SOCKET, SO_LINGER, &asked, &size) == 0 && asked.l_onoff != 0;
}

void forbid_lingering(handle_view handle) noexcept {
  constexpr linger at_once{};
  // Not for what is no socket, and no harm there.
  ::setsockopt(handle.native(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void discard(unique_handle handle) noexcept {
  forbid_lingering(handle);
}

std::size_t open_handles() {
  namespace fs = std::filesystem;
  // The directory is itself open while it is counted.
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {})) - 1;
}

void make_room_for_handles(std::size_t more) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  std::size_t open = 0;
  try {
    open = open_handles();
  } catch (const std::exception&) {
    // The system does not tell how many there are.
  }
  if (open + more <= limit.rlim_cur) return;
  limit.rlim_cur = std::min<rlim_t>(open + more, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string handle_limit_text() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return "the limit of open descriptors is " + std::to_string(limit.rlim_cur) + " (hard limit " +
         std::to_string(limit.rlim_max) + "): close some, or raise it with `ulimit -n` or setrlimit";
}

void throw_system_error(std::errc reason, const std::string& operation) {
  const bool exhausted = reason == std::errc::too_many_files_open;
  throw system_error(std::make_error_code(reason),
                     exhausted ? operation + ": " + handle_limit_text() : operation);
}

void throw_system_error(int code, const std::string& operation) {
  // The numbers of errno are those of std::errc, and what std::errc does not name has its text all the same.
  throw_system_error(static_cast<std::errc>(code), operation);
}

void throw_system_error(const std::string& operation) {
  throw_system_error(errno, operation);
}

}  // namespace os
}  // namespace ferry
