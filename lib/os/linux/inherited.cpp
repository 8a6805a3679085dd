// SPDX-License-Identifier: BSL-1.0
// The inherited state, as /proc and single system calls tell it.
#include "os/inherited.hpp"

#include <ferry/handle.hpp>

#include "os/handle.hpp"
#include "os/linux/small_file.hpp"
#include "os/linux/system_calls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string_view>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace ferry::os {
namespace {

/// What /proc says of the calling thread; see proc(5).
class proc_folder {
 public:
  proc_folder() : folder_(calls().open(path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0)) {
    if (!folder_.valid()) throw_system_error(std::string("open ") + path + needed);
  }

  std::string content_of(const char* name) const {
    const unique_handle file(calls().openat(folder_.native(), name, O_RDONLY | O_CLOEXEC));
    if (!file.valid()) throw_system_error(std::string("open ") + path + name + needed);
    std::string text;
    for (ssize_t got = 1; got != 0;) {
      constexpr std::size_t step = 4096;
      const std::size_t before = text.size();
      text.resize(before + step);
      got = calls().read(file.native(), &text[before], step);
      if (got < 0 && errno != EINTR) throw_system_error(std::string("read ") + path + name + needed);
      text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    return text;
  }
  /// What a link says; nothing where the link is missing.
  void append_link(std::string& to, const char* name) const {
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(folder_.native(), name, target.data(), target.size());
    to.append(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  static constexpr const char* path = "/proc/thread-self/";
  static constexpr const char* needed =
      ", which tells what a started process would inherit (start_method::forkserver needs /proc)";
  unique_handle folder_;
};

/// The lines of the file `status` that are about what is inherited.
void append_status(std::string& to, const std::string& text) {
  constexpr std::array<std::string_view, 19> inherited{"Umask:",
                                                       "Uid:",
                                                       "Gid:",
                                                       "Groups:",
                                                       "NSpgid:",
                                                       "NSsid:",
                                                       "SigIgn:",
                                                       "CapInh:",
                                                       "CapPrm:",
                                                       "CapEff:",
                                                       "CapBnd:",
                                                       "CapAmb:",
                                                       "NoNewPrivs:",
                                                       "Seccomp:",
                                                       "Seccomp_filters:",
                                                       "Speculation_Store_Bypass:",
                                                       "SpeculationIndirectBranch:",
                                                       "Cpus_allowed:",
                                                       "Mems_allowed:"};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const auto line = std::string_view(text).substr(begin, end - begin);
    if (std::ranges::any_of(inherited, [line](std::string_view name) { return line.starts_with(name); }))
      to += line;
    begin = end;
  }
}

template <class Value>
void append_value(std::string& to, const Value& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Which file it is: where it is mounted too, for that is another one in another namespace of mounts.
/// @param path  of a folder, or empty: what `at` is
void append_file(std::string& to, const char* path, int at = AT_FDCWD) {
  struct statx found {};
  if (::statx(at, path, AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &found) != 0) found = {};
  append_value(to, found.stx_dev_major);
  append_value(to, found.stx_dev_minor);
  append_value(to, found.stx_ino);
#ifdef STATX_MNT_ID
  append_value(to, found.stx_mnt_id);
#endif
}

void append_limits(std::string& to) {
  for (int each = 0; each != RLIM_NLIMITS; ++each) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource_t>(each), &limit);
    append_value(to, limit);
  }
}

void append_priorities(std::string& to) {
  sched_param parameter{};
  ::sched_getparam(0, &parameter);
  constexpr int of_this_thread = 1;  // IOPRIO_WHO_PROCESS
  append_value(to, ::getpriority(PRIO_PROCESS, 0));
  append_value(to, ::sched_getscheduler(0));
  append_value(to, parameter.sched_priority);
  append_value(to, ::syscall(SYS_ioprio_get, of_this_thread, 0));
  std::array<std::uint32_t, 14> attributes{};  // the flags, slices and clamps of sched(7) too
  ::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0);
  append_value(to, attributes);
  append_value(to, ::prctl(PR_GET_TIMERSLACK));
}

/// What bounds its memory, and says what becomes of it.
void append_memory(std::string& to) {
  constexpr int deny_write_and_execute = 66;  // PR_GET_MDWE, since Linux 6.3
  append_value(to, ::prctl(deny_write_and_execute, 0, 0, 0, 0));
  append_value(to, ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  append_value(to, ::prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  int policy = 0;
  std::array<std::uint64_t, 16> nodes{};  // as many as a kernel may know
  ::syscall(SYS_get_mempolicy, &policy, nodes.data(), 8 * sizeof nodes, nullptr, 0);
  append_value(to, policy);
  append_value(to, nodes);
  for (const char* const each : {"/proc/self/oom_score_adj", "/proc/self/coredump_filter"})
    to += read_small_file(each).value_or("");
}

void append_environment(std::string& to) {
  for (char* const* each = ::environ; each != nullptr && *each != nullptr; ++each) {
    to += *each;
    to += '\0';
  }
}

}  // namespace

std::string inherited_state() {
  std::string state;
  append_file(state, ".");
  append_file(state, "/");
  append_file(state, "", STDOUT_FILENO);
  append_file(state, "", STDERR_FILENO);
  append_limits(state);
  append_priorities(state);
  append_memory(state);
  constexpr unsigned long only_ask = 0xffff'ffff;
  append_value(state, ::personality(only_ask));
  append_value(state, ::prctl(PR_GET_SECUREBITS));
  append_value(state, ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
  const proc_folder own;
  append_status(state, own.content_of("status"));
  state += own.content_of("cgroup");
  // Those of mounts are told apart by the root folder.
  for (const char* const each :
       {"ns/user", "ns/pid_for_children", "ns/net", "ns/ipc", "ns/uts", "ns/cgroup", "ns/time_for_children"})
    own.append_link(state, each);
  append_environment(state);
  return state;
}

bool may_look_into(process_id other) {
  std::array<char, 1> start{};
  const std::string link = "/proc/" + std::to_string(other) + "/root";
  return ::readlink(link.c_str(), start.data(), start.size()) >= 0;
}

}  // namespace ferry::os
