// Processes by posix_spawn, fork and pidfd.
#include "os/process.hpp"

#include <ferry/deadline.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/close_all.hpp"
#include "os/linux/copy_exit.hpp"
#include "os/linux/pidfd.hpp"
#include "os/linux/streams.hpp"
#include "os/linux/system_calls.hpp"
#include "os/other_process.hpp"
#include "os/roll.hpp"
#include "os/wait.hpp"

#include <gsl/util>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace ferry::os {
namespace {

[[noreturn]] void throw_not_started(int code, const std::string& operation) {
  if (code != EAGAIN) throw_system_error(code, operation);
  rlimit limit{};
  ::getrlimit(RLIMIT_NPROC, &limit);
  throw_system_error(code, operation + ": the limit of processes of this user is " +
                               std::to_string(limit.rlim_cur) +
                               " (a container may have a lower one): end some, or raise it with `ulimit -u`");
}

/// A child whose end is not yet watched must not be left behind when watching it fails.
unique_handle watch_or_kill(pid_t child) {
  // No other process can have taken the number: only we reap it, and nobody has yet.
  const int watch = above_streams(calls().pidfd_open(child, 0));
  if (watch >= 0) return unique_handle(watch);
  const int code = errno;
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = code;
  throw_pidfd_error("watch process " + std::to_string(child));
}

/// What a child does to its descriptors between its birth and the program.
class file_actions {
 public:
  file_actions() { check(::posix_spawn_file_actions_init(&actions_)); }
  ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;

  /// Puts `passed` at 3, 4, in an order in which none overwrites another.
  void pass(std::span<const handle_view> passed) {
    constexpr int first = first_passed_handle, second = first_passed_handle + 1, spare = second + 1;
    if (passed.size() == 1) move(passed[0].native(), first);
    if (passed.size() != 2) return;
    const int a = passed[0].native(), b = passed[1].native();
    if (b != first) {
      move(a, first);
      move(b, second);
    } else if (a != second) {
      move(b, second);
      move(a, first);
    } else {
      move(b, spare);
      move(a, first);
      move(spare, second);
    }
  }
  void open_null(int at) {
    check(::posix_spawn_file_actions_addopen(&actions_, at, "/dev/null", O_RDONLY, 0));
  }
  void close_from(int first) { check(::posix_spawn_file_actions_addclosefrom_np(&actions_, first)); }
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  void move(int from, int to) { check(::posix_spawn_file_actions_adddup2(&actions_, from, to)); }
  static void check(int code) {
    if (code != 0) throw_system_error(code, "prepare the descriptors of a new process");
  }
  posix_spawn_file_actions_t actions_{};
};

class spawn_attributes {
 public:
  spawn_attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~spawn_attributes() { ::posix_spawnattr_destroy(&attributes_); }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

/// From the number of links of the folder that has one for each thread (proc(5)), which can be had without a
/// descriptor.
std::size_t threads() {
  struct stat folder {};
  if (::stat("/proc/self/task", &folder) != 0)
    throw_system_error(
        "count the threads of this process, without /proc: mount it, or set "
        "context::fork_with_threads if none holds a lock that the child needs");
  constexpr std::size_t own_links = 2;
  // Those that keep seats hold nothing that a copy could miss.
  std::size_t count = folder.st_nlink - own_links - seat_keepers();
#if defined(__SANITIZE_THREAD__)
  --count;  // the sanitizer's own, which survives a fork
#elif defined(__has_feature)
#  if __has_feature(thread_sanitizer)
  --count;
#  endif
#endif
  return count;
}

}  // namespace

process_id own_id() noexcept {
  return ::getpid();
}

unique_handle open_own_process() {
  const int watch = above_streams(calls().pidfd_open(::getpid(), 0));
  if (watch < 0) throw_pidfd_error("open a handle of this process");
  return unique_handle(watch);
}

started_process start_program(const program& what, std::span<const handle_view> passed) {
  const std::string operation =
      what.path.empty() ? "start this program again as a new process" : "start program " + what.path;
  const char* const path = what.path.empty() ? "/proc/self/exe" : what.path.c_str();
  file_actions actions;
  actions.pass(passed);
  actions.close_from(first_passed_handle + static_cast<int>(passed.size()));
  actions.open_null(STDIN_FILENO);
  const spawn_attributes attributes;
  // The name that `ps` shows; for a copy of this program, its own.
  std::vector<char*> arguments{what.path.empty() ? ::program_invocation_name : const_cast<char*>(path)};
  for (const std::string& each : what.arguments) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int code =
      calls().posix_spawn(&child, path, actions.get(), attributes.get(), arguments.data(), ::environ);
  if (code == ENOENT && what.path.empty())
    throw_system_error(code, operation +
                                 ": that goes by /proc/self/exe, and there is none: mount /proc, say in "
                                 "context::program where the program is, or use start_method::fork");
  if (code != 0) throw_not_started(code, operation);
  return {child, watch_or_kill(child)};
}

unique_handle passed_handle(std::size_t index) noexcept {
  const int native = first_passed_handle + static_cast<int>(index);
  ::fcntl(native, F_SETFD, FD_CLOEXEC);
  return unique_handle(native);
}

void take_program_name() noexcept {
  ::prctl(PR_SET_NAME, ::program_invocation_short_name);
}

started_process fork_process() {
  flush_streams();
  const pid_t child = calls().fork();
  if (child < 0) throw_not_started(errno, "fork this process");
  if (child == 0) {
    leave_parents_exit_alone();
    drop_parents_output();
    return {};
  }
  return {child, watch_or_kill(child)};
}

void drop_standard_input() noexcept {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null <= 0) return;
  ::dup2(null, STDIN_FILENO);
  ::close(null);
}

void close_all_but(std::span<handle_view> kept) noexcept {
  std::ranges::sort(kept, {}, [](handle_view each) { return each.native(); });
  int first = STDERR_FILENO + 1;
  for (const handle_view each : kept) {
    const int number = each.native();
    if (number < first) continue;
    if (number > first) close_from_to(static_cast<unsigned>(first), static_cast<unsigned>(number) - 1);
    first = number + 1;
  }
  close_from_to(static_cast<unsigned>(first), ~0U);
}

bool other_threads_run() {
  if (__libc_single_threaded) return false;
  // One that has been joined is counted until the system has put it away.
  const deadline until = deadline::after(std::chrono::seconds(1));
  for (retry_pause pause; threads() > 1;)
    if (!pause(until)) return true;
  return false;
}

void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) {
  if (const int code = ::pthread_atfork(before, in_parent, in_child); code != 0) {
    throw_system_error(code, "register what to do around fork");
  }
}

void signal_process(handle_view process, request what) {
  constexpr std::array numbers{SIGINT, SIGTERM, SIGKILL};
  const int number = numbers.at(static_cast<std::size_t>(what));
  if (calls().pidfd_send_signal(process.native(), number, nullptr, 0) == 0 || errno == ESRCH) return;
  const int code = errno;
  // A sandbox may refuse this call and not the older one. Who has not ended still has its id.
  if (code == EPERM || code == ENOSYS) {
    const std::optional<process_shown> shown = process_behind(process);
    if (shown && shown->id > 0 && !wait_readable(process, deadline::immediately()) &&
        (::kill(static_cast<pid_t>(shown->id), number) == 0 || errno == ESRCH))
      return;
  }
  throw_system_error(code, "send signal " + std::to_string(number) + " to a process");
}

std::optional<ending> reap(handle_view process) {
  siginfo_t info{};
  while (calls().waitid(P_PIDFD, static_cast<id_t>(process.native()), &info, WEXITED | WNOHANG) != 0) {
    if (errno == ECHILD) return ending{};
    if (errno != EINTR) throw_system_error("take the status of a process");
  }
  if (info.si_pid == 0) return std::nullopt;
  return ending{info.si_code == CLD_EXITED ? ending::kind::exited : ending::kind::killed, info.si_status};
}

void die_with(handle_view lifeline) {
  const int fd = lifeline.native();
  // The order matters: first have the kernel signal us, then look whether it is too late for that.
  if (::fcntl(fd, F_SETSIG, SIGKILL) != 0 || ::fcntl(fd, F_SETOWN, ::getpid()) != 0 ||
      ::fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) != 0) {
    throw_system_error("tie the life of this process to its parent's");
  }
  pollfd entry{fd, POLLIN, 0};
  if (::poll(&entry, 1, 0) != 0) ::raise(SIGKILL);
}

void ignore_interrupts() noexcept {
  std::signal(SIGINT, SIG_IGN);
}
void restore_interrupts() noexcept {
  std::signal(SIGINT, SIG_DFL);
}

void exit_at_once(int code) noexcept {
  ::_exit(code);
}

}  // namespace ferry::os
