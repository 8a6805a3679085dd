// SPDX-License-Identifier: BSL-1.0
// Other processes by pidfd and /proc.
#include "os/other_process.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/pidfd.hpp"
#include "os/linux/proc_stat.hpp"
#include "os/linux/small_file.hpp"
#include "os/linux/system_calls.hpp"

#include <gsl/narrow>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <sys/ioctl.h>
#include <system_error>

namespace ferry::os {
namespace {

// Only of descriptors that have run out is to be told: the rest is for those who ask to judge.
std::optional<std::string> read_facts(const std::string& path) {
  std::optional<std::string> text = read_small_file(path);
  if (!text && (errno == EMFILE || errno == ENFILE)) throw_system_error("open " + path);
  return text;
}

std::string refusal_text(int refusal) {
  if (refusal == ESRCH) return "the process has ended";
  std::string text = std::error_code(refusal, std::generic_category()).message();
  if (refusal == ENOSYS) return text + ": pidfd_getfd(2) takes Linux 5.6, and a sandbox that allows it";
  if (refusal != EPERM) return text;
  const int scope = std::atoi(read_facts("/proc/sys/kernel/yama/ptrace_scope").value_or("0").c_str());
  if (scope == 0)
    return text + ": it belongs to another user, made itself undumpable, or a sandbox refuses pidfd_getfd(2)";
  return text + ": Yama's kernel.yama.ptrace_scope is " + std::to_string(scope) +
         ", by which only an ancestor may; the process can allow it to the taker with prctl(PR_SET_PTRACER, "
         "id)";
}

}  // namespace

std::optional<unique_handle> open_process(std::int64_t id) {
  if (id <= 0 || id > std::numeric_limits<pid_t>::max()) return std::nullopt;
  const int opened = above_streams(calls().pidfd_open(gsl::narrow_cast<pid_t>(id), 0));
  if (opened >= 0) return unique_handle(opened);
  if (errno == ESRCH || errno == EINVAL) return std::nullopt;  // EINVAL: the id of a thread
  throw_pidfd_error("open process " + std::to_string(id));
}

std::optional<std::uint64_t> start_time_of(std::int64_t id) {
  const auto facts = parse_stat(read_facts("/proc/" + std::to_string(id) + "/stat").value_or(""));
  if (!facts) return std::nullopt;
  // In a time namespace (time_namespaces(7)) all times since the start of the system are shifted for who
  // reads.
  std::istringstream shifts(read_facts("/proc/self/timens_offsets").value_or(""));
  std::int64_t seconds = 0, nanoseconds = 0;
  for (std::string clock; shifts >> clock >> seconds >> nanoseconds && clock != "boottime";) seconds = 0;
  const std::int64_t shift = shifts ? seconds * ::sysconf(_SC_CLK_TCK) : 0;
  return facts->start_time - static_cast<std::uint64_t>(shift);
}

namespace {

/// What PIDFD_GET_INFO tells since Linux 6.13, in its first version (linux/pidfd.h).
struct pidfd_facts {
  std::uint64_t mask, group;
  std::uint32_t process, thread_group, parent;
  std::uint32_t ids[8];
  std::int32_t exit_status;
};
static_assert(sizeof(pidfd_facts) == 64);

std::optional<pidfd_facts> ask_pidfd(handle_view handle, std::uint64_t what) noexcept {
  pidfd_facts found{};
  found.mask = what;
  constexpr unsigned long get_info = _IOWR(0xff, 11, pidfd_facts);
  if (::ioctl(handle.native(), get_info, &found) != 0) return std::nullopt;
  return found;
}

/// By what it does. Nothing when it cannot be told so.
std::optional<bool> is_pidfd(handle_view handle, bool& has_ended, bool& is_elsewhere) noexcept {
  has_ended = is_elsewhere = false;
  if (calls().pidfd_send_signal(handle.native(), 0, nullptr, 0) == 0) return true;
  switch (errno) {
    case ESRCH:
      has_ended = true;
      return true;
    case EINVAL:  // of a process in a namespace of ids that is not seen from here
      is_elsewhere = true;
      return true;
    case EBADF:
      return false;
    default:  // EPERM and ENOSYS are also what a sandbox answers
      return std::nullopt;
  }
}

}  // namespace

std::optional<process_shown> process_behind(handle_view handle) {
  bool has_ended = false, is_elsewhere = false;
  const std::optional<bool> is_it = is_pidfd(handle, has_ended, is_elsewhere);
  if (is_it == false) return std::nullopt;
  if (has_ended) return process_shown{-1, {}};
  if (is_elsewhere) return process_shown{};
  std::istringstream info(read_facts("/proc/self/fdinfo/" + std::to_string(handle.native())).value_or(""));
  process_shown found;
  bool told = false;
  for (std::string line; std::getline(info, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    std::int64_t id = 0;
    if (key == "Pid:" && words >> id) {
      found.id = id;
      told = true;
    }
    if (key == "NSpid:")
      while (words >> id) found.ids.push_back(id);
  }
  if (told) return found;
  if (const std::optional<pidfd_facts> facts = ask_pidfd(handle, 0))
    return process_shown{facts->process, {facts->process}};
  if (is_it) return process_shown{};
  return std::nullopt;
}

taken_handle take_handle_of(handle_view process, std::int32_t number) {
  const int taken = above_streams(calls().pidfd_getfd(process.native(), number, 0));
  if (taken >= 0) return {unique_handle(taken), {}};
  if (errno == EMFILE || errno == ENFILE) throw_system_error("take a handle of another process");
  return {{}, errno == EBADF ? std::string() : refusal_text(errno)};
}

}  // namespace ferry::os
