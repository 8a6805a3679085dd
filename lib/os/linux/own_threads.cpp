// SPDX-License-Identifier: BSL-1.0
// A test for a single thread: whether this process has no other.
#include <ferry/deadline.hpp>

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"
#include "os/process.hpp"
#include "os/roll.hpp"
#include "os/wait.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/single_threaded.h>
#include <sys/stat.h>

namespace ferry::os {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t of_sanitizer = 1;  // a thread of its own, which survives a fork
#elif defined(__has_feature)
constexpr std::size_t of_sanitizer = __has_feature(thread_sanitizer) ? 1 : 0;
#else
constexpr std::size_t of_sanitizer = 0;
#endif

/// Those that keep seats hold nothing that a copy could miss.
std::size_t not_counted() {
  return of_sanitizer + seat_holding_threads();
}

constexpr const char* task_folder = "/proc/self/task";

/// From the number of links of the folder that has one for each thread (proc(5)), which can be had without a
/// descriptor.
std::size_t threads() {
  struct stat found {};
  if (::stat(task_folder, &found) != 0)
    throw_system_error(
        "count the threads of this process, without /proc: mount it, or set "
        "context::fork_with_threads if none holds a lock that the child needs");
  constexpr std::size_t own_links = 2;
  return found.st_nlink - own_links - not_counted();
}

/// Whether a thread has left the program for good, as one that has been joined has. Nothing when that cannot
/// be seen.
std::optional<bool> is_leaving(const char* thread) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "%s/%.20s/stat", task_folder, thread);
  const unique_handle file(calls().open(path.data(), O_RDONLY | O_CLOEXEC, 0));
  if (!file.valid()) return std::nullopt;
  std::array<char, 1024> text{};
  if (calls().read(file.native(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  // Behind the name, which may hold anything, come state, five numbers and the flags; see proc(5).
  const char* const name_end = std::strrchr(text.data(), ')');
  unsigned flags = 0;
  if (name_end == nullptr || std::sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 || flags == 0)
    return std::nullopt;
  constexpr unsigned exiting = 0x4;  // PF_EXITING
  return (flags & exiting) != 0;
}

/// Whether there are threads beside the calling one that have not left the program. Nothing when that cannot
/// be seen of each.
std::optional<bool> others_stay() {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(task_folder), &::closedir);
  if (list == nullptr) return std::nullopt;
  const std::string own = std::to_string(::gettid());
  std::size_t staying = 0;
  bool all_seen = true;
  while (const dirent* const each = ::readdir(list.get())) {
    if (each->d_name[0] == '.' || own == each->d_name) continue;
    const std::optional<bool> leaving = is_leaving(each->d_name);
    if (!leaving) all_seen = false;
    if (leaving == false) ++staying;
  }
  if (staying > not_counted()) return true;
  return all_seen ? std::optional(false) : std::nullopt;
}

}  // namespace

bool other_threads_run() {
  if (__libc_single_threaded) return false;
  // Where it cannot be seen which they are, those that have been joined are waited for: they are counted
  // until the system has put them away.
  const deadline until = deadline::after(std::chrono::seconds(1));
  for (retry_pause pause; threads() > 1;) {
    if (const std::optional<bool> stay = others_stay()) return *stay;
    if (!pause(until)) return true;
  }
  return false;
}

}  // namespace ferry::os
