// SPDX-License-Identifier: BSL-1.0
// Single steps by ptrace(2).
#include "support/stepping.hpp"

#include "support/sanitizer.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <unordered_set>
#include <vector>

namespace ferry::test {
namespace {

using clock = std::chrono::steady_clock;

/// How the child says that the operation is about to begin, and that it is complete.
constexpr int marker = SIGSTOP;
/// A stop at a system call, told from others by PTRACE_O_TRACESYSGOOD.
constexpr int call_stop = SIGTRAP | 0x80;

long control(int request, pid_t child, std::uintptr_t address = 0, std::uintptr_t data = 0) {
  errno = 0;
  const long result = ::ptrace(static_cast<__ptrace_request>(request), child,
                               reinterpret_cast<void*>(address), reinterpret_cast<void*>(data));
  if (errno != 0) {
    throw std::system_error(errno, std::system_category(), "ptrace request " + std::to_string(request));
  }
  return result;
}

/// @returns the signal of the stop
int wait_for_stop(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, __WALL) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
  }
  if (WIFSTOPPED(status)) return WSTOPSIG(status);
  throw std::runtime_error(WIFSIGNALED(status)
                               ? "the operation died of signal " + std::to_string(WTERMSIG(status))
                               : "the operation ended with code " + std::to_string(WEXITSTATUS(status)));
}

[[noreturn]] void run(const std::function<void()>& operation) {
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  ::raise(marker);
  try {
    operation();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "child %d: %s\n", ::getpid(), problem.what());
    ::_exit(99);
  }
  ::raise(marker);
  ::_exit(0);
}

/// Kills in each of `count` ways if there is time, or else in as many of them as there is, evenly spread.
/// @param go  brings the child to where it is killed
/// @returns how many were killed
std::size_t kill_in_ways(const std::function<deed()>& prepare, std::size_t count, clock::duration budget,
                         const std::function<void(stepped_child&, std::size_t way)>& go) {
  const auto begin = clock::now();
  std::size_t kills = 0;
  for (std::size_t way = 0; way < count;) {
    const deed attempt = prepare();
    stepped_child child(attempt.operation);
    go(child, way);
    child.kill();
    attempt.aftermath();
    ++kills;
    // How wide the next stride has to be, going by how long it has taken so far.
    const auto spent = std::chrono::duration<double>(clock::now() - begin);
    const auto left = std::chrono::duration<double>(budget) - spent;
    const double to_come = std::max(left / spent * static_cast<double>(kills), 1.0);
    way += std::max<std::size_t>(static_cast<std::size_t>(static_cast<double>(count - way) / to_come), 1);
  }
  return kills;
}

/// Goes through the operation to its end, or as far as it gets in time, and kills the child then.
/// @param each  called before each step
void go_through(const std::function<deed()>& prepare, bool (stepped_child::*advance)(), clock::duration time,
                const std::function<void(const stepped_child&)>& each) {
  const auto late = clock::now() + time;
  const deed attempt = prepare();
  stepped_child child(attempt.operation);
  do {
    each(child);
  } while ((child.*advance)() && clock::now() < late);
  child.kill();
  attempt.aftermath();
}

void advance_by(stepped_child& child, bool (stepped_child::*advance)(), std::size_t count) {
  for (std::size_t i = 0; i < count && (child.*advance)(); ++i) {
  }
}

user_regs_struct registers_of(pid_t child) {
  user_regs_struct registers{};
  control(PTRACE_GETREGS, child, 0, reinterpret_cast<std::uintptr_t>(&registers));
  return registers;
}

}  // namespace

stepped_child::stepped_child(const std::function<void()>& operation) {
  std::fflush(nullptr);  // an operation that forks would write it too
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (pid_ == 0) run(operation);
  try {
    wait_for_stop(pid_);
    control(PTRACE_SETOPTIONS, pid_, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  } catch (...) {
    kill();
    throw;
  }
}

stepped_child::~stepped_child() {
  kill();
}

void stepped_child::kill() {
  if (ended_) return;
  ended_ = true;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, __WALL) == pid_ || errno == EINTR) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) return;
  }
}

bool stepped_child::go_on(int request) {
  for (;;) {
    control(request, pid_, 0, static_cast<std::uintptr_t>(pending_signal_));
    pending_signal_ = 0;
    const int stop = wait_for_stop(pid_);
    if (stop == marker) return false;
    if (stop == SIGTRAP || stop == call_stop) return true;
    pending_signal_ = stop;  // one of the operation's own, to be delivered
  }
}

// The processor stops after each repetition: a million times for a block of a mebibyte.
bool stepped_child::step() {
  std::uintptr_t next = 0;
  return is_at_repeating_instruction(next) ? run_to(next) : go_on(PTRACE_SINGLESTEP);
}

bool stepped_child::run_to_system_call() {
  return go_on(PTRACE_SYSCALL);
}

// By a breakpoint of the processor: one in the code would be in that of the child's children too.
bool stepped_child::run_to(std::uintptr_t address) {
  constexpr std::uintptr_t enabled = 1, disabled = 0;
  control(PTRACE_POKEUSER, pid_, offsetof(user, u_debugreg[0]), address);
  control(PTRACE_POKEUSER, pid_, offsetof(user, u_debugreg[7]), enabled);
  const bool stopped = go_on(PTRACE_CONT);
  control(PTRACE_POKEUSER, pid_, offsetof(user, u_debugreg[7]), disabled);
  return stopped;
}

std::uintptr_t stepped_child::position() const {
  return registers_of(pid_).rip;
}

/// @param next  becomes the address of the one behind it
bool stepped_child::is_at_repeating_instruction(std::uintptr_t& next) const {
  const std::uintptr_t here = position();
  const auto code = static_cast<std::uint64_t>(control(PTRACE_PEEKTEXT, pid_, here));
  constexpr unsigned repeat = 0xf3, wide = 0x48, movs = 0xa4, movs_wide = 0xa5, stos = 0xaa, stos_wide = 0xab;
  if ((code & 0xffU) != repeat) return false;
  const unsigned prefixes = (code >> 8U & 0xffU) == wide ? 2 : 1;
  const std::uint64_t operation = code >> (8 * prefixes) & 0xffU;
  next = here + prefixes + 1;
  return operation == movs || operation == movs_wide || operation == stos || operation == stos_wide;
}

kill_figures kill_everywhere(const std::function<deed()>& prepare, std::chrono::milliseconds budget) {
  // Where one kill lands is the affair of the build without it, which is gone through in full.
  if (with_address_sanitizer) budget /= 10;
  kill_figures figures;
  std::size_t borders = 0;
  go_through(prepare, &stepped_child::run_to_system_call, budget, [&](const stepped_child&) { ++borders; });
  figures.system_calls = borders / 2;

  std::vector<std::uintptr_t> places;
  std::unordered_set<std::uintptr_t> known;
  go_through(prepare, &stepped_child::step, budget, [&](const stepped_child& child) {
    ++figures.instructions;
    if (known.insert(child.position()).second) places.push_back(child.position());
  });
  figures.places = places.size();

  const auto share = budget / 4;
  figures.kills = 2;
  figures.kills += kill_in_ways(prepare, borders, share, [](stepped_child& child, std::size_t n) {
    advance_by(child, &stepped_child::run_to_system_call, n);
  });
  figures.kills += kill_in_ways(prepare, places.size(), 2 * share,
                                [&](stepped_child& child, std::size_t n) { child.run_to(places[n]); });
  figures.kills +=
      kill_in_ways(prepare, figures.instructions, share,
                   [](stepped_child& child, std::size_t n) { advance_by(child, &stepped_child::step, n); });
  return figures;
}

}  // namespace ferry::test
