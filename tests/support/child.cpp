// SPDX-License-Identifier: BSL-1.0
// Forking, watching and reaping the children of tests.
#include "support/child.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <poll.h>
#include <signal.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace ferry::test {
namespace {

[[noreturn]] void run(const std::function<int()>& work) {
  // Boost.Test and sanitizers catch these, and shells have what they start in the background ignore the last;
  // the child shall die of them like any program.
  for (const int deadly : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGINT}) ::signal(deadly, SIG_DFL);
  int code = 99;
  try {
    code = work();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "child %d: %s\n", ::getpid(), problem.what());
  } catch (...) {
    std::fprintf(stderr, "child %d threw something that is not a std::exception\n", ::getpid());
  }
  std::fflush(stderr);
  ::_exit(code);
}

bool ends_within(pid_t pid, std::chrono::milliseconds time) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) throw std::system_error(errno, std::system_category(), "pidfd_open");
  const auto end = std::chrono::steady_clock::now() + time;
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd item{pidfd, POLLIN, 0};
    ready = left.count() < 0 ? 0 : ::poll(&item, 1, static_cast<int>(left.count()));
  } while (ready < 0 && errno == EINTR);
  ::close(pidfd);
  return ready > 0;
}

}  // namespace

forked_child::forked_child(const std::function<int()>& work) {
  std::fflush(nullptr);  // or the child would print what is still in the buffers once more
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (pid_ == 0) run(work);
}

forked_child::~forked_child() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void forked_child::signal(int number) const {
  ::kill(pid_, number);
}

int forked_child::wait() {
  const bool ended = ends_within(pid_, patience);
  if (!ended) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
  reaped_ = true;
  if (!ended) throw std::runtime_error("child " + std::to_string(pid_) + " did not end in time");
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int fork_child(const std::function<int()>& work) {
  return forked_child(work).wait();
}

}  // namespace ferry::test
