// SPDX-License-Identifier: BSL-1.0
// Processes by fork, and pidfd.
#include "os/process.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/close_all.hpp"
#include "os/linux/copy_exit.hpp"
#include "os/linux/new_process.hpp"
#include "os/linux/pidfd.hpp"
#include "os/linux/streams.hpp"
#include "os/linux/system_calls.hpp"
#include "os/other_process.hpp"
#include "os/wait.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace ferry::os {

void throw_not_started(int code, const std::string& operation) {
  if (code != EAGAIN) throw_system_error(code, operation);
  rlimit limit{};
  ::getrlimit(RLIMIT_NPROC, &limit);
  throw_system_error(code, operation + ": the limit of processes of this user is " +
                               std::to_string(limit.rlim_cur) +
                               " (a container may have a lower one): end some, or raise it with `ulimit -u`");
}

unique_handle watch_or_kill(pid_t child) {
  // No other process can have taken the number: only this process reaps it, and has not yet.
  const int watch = above_streams(calls().pidfd_open(child, 0));
  if (watch >= 0) return unique_handle(watch);
  const int code = errno;
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = code;
  throw_pidfd_error("watch process " + std::to_string(child));
}

process_id own_id() noexcept {
  return ::getpid();
}

unique_handle open_own_process() {
  const int watch = above_streams(calls().pidfd_open(::getpid(), 0));
  if (watch < 0) throw_pidfd_error("open a handle of this process");
  return unique_handle(watch);
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

void redirect(output stream, handle_view to) noexcept {
  ::dup2(to.native(), stream == output::standard ? STDOUT_FILENO : STDERR_FILENO);
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

void signal_process(handle_view process, request what) {
  constexpr std::array numbers{SIGINT, SIGTERM, SIGKILL};
  const int number = numbers.at(static_cast<std::size_t>(what));
  if (calls().pidfd_send_signal(process.native(), number, nullptr, 0) == 0 || errno == ESRCH) return;
  const int code = errno;
  // A sandbox may refuse this call and not the older one. Who has not ended still has its id.
  if (code == EPERM || code == ENOSYS) {
    const std::optional<process_shown> shown = process_behind(process);
    if (shown && shown->id > 0 && !wait_readable(process, deadline::immediately()) &&
        (calls().kill(gsl::narrow<pid_t>(shown->id), number) == 0 || errno == ESRCH))
      return;
  }
  throw_system_error(code, "send signal " + std::to_string(number) + " to a process");
}

/// What the system keeps of a process that other code has reaped: since Linux 6.15 how it ended. Its header
/// may be older, so the form stands here.
ending kept_ending(handle_view process) noexcept {
  struct pidfd_info {
    std::uint64_t mask = std::uint64_t{1} << 3U;  // how it ended is wanted, and was told
    std::array<std::uint32_t, 13> identity{};
    std::int32_t status = 0;  // as waitpid(2) has it
  } told;
  static_assert(sizeof told == 64);
  const std::uint64_t wanted = told.mask;
  if (::ioctl(process.native(), _IOWR(0xFF, 11, pidfd_info), &told) != 0 || (told.mask & wanted) == 0)
    return {};
  if (WIFEXITED(told.status)) return {ending::kind::exited, WEXITSTATUS(told.status)};
  return {WCOREDUMP(told.status) ? ending::kind::dumped : ending::kind::killed, WTERMSIG(told.status)};
}

std::optional<ending> reap(handle_view process) {
  siginfo_t info{};
  while (calls().waitid(P_PIDFD, static_cast<id_t>(process.native()), &info, WEXITED | WNOHANG) != 0) {
    if (errno == ECHILD) return kept_ending(process);
    if (errno != EINTR) throw_system_error("take the status of a process");
  }
  if (info.si_pid == 0) return std::nullopt;
  switch (info.si_code) {
    case CLD_EXITED:
      return ending{ending::kind::exited, info.si_status};
    case CLD_DUMPED:
      return ending{ending::kind::dumped, info.si_status};
    default:
      return ending{ending::kind::killed, info.si_status};
  }
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

bool ignore_interrupts() noexcept {
  return std::signal(SIGINT, SIG_IGN) != SIG_IGN;
}
void heed_interrupts() noexcept {
  std::signal(SIGINT, SIG_DFL);
}
void unblock_signals() noexcept {
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

bool is_crash(int number) noexcept {
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
  return std::ranges::find(crashes, number) != crashes.end();
}

void exit_at_once(int code) noexcept {
  ::_exit(code);
}

}  // namespace ferry::os
