// SPDX-License-Identifier: BSL-1.0
// Seclusion by chroot, other users and namespaces.
#include "support/seclusion.hpp"

#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ferry::test {
namespace {

constexpr int refused = 77;

bool has_own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool seclude(seclusion how) {
  switch (how) {
    case seclusion::none:
    case seclusion::own_ids:
      return true;
    case seclusion::own_proc:
      return has_own_mounts() && ::mount("proc", "/proc", "proc", 0, nullptr) == 0;
    case seclusion::no_proc:
      return has_own_mounts() && ::mount("none", "/proc", "tmpfs", 0, nullptr) == 0;
    case seclusion::hidden_proc:
      return has_own_mounts() && ::mount("proc", "/proc", "proc", 0, "hidepid=2") == 0 &&
             ::setgid(65534) == 0 && ::setuid(65534) == 0;
    case seclusion::chroot:
      return has_own_mounts() && ::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0 && ::chroot("/mnt") == 0 &&
             ::chdir("/") == 0;
  }
  return false;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, seclusion shown) {
  constexpr const char* names[] = {"nothing hidden", "no /proc",        "hidepid=2 and another user",
                                   "chroot",         "own process ids", "own process ids and /proc"};
  return out << names[static_cast<int>(shown)];
}

int secluded(seclusion how, const std::function<int()>& work) {
  if (how != seclusion::own_ids && how != seclusion::own_proc) return seclude(how) ? work() : refused;
  if (::unshare(CLONE_NEWPID) != 0) return refused;
  const pid_t inner = ::fork();
  if (inner < 0) return refused;
  if (inner == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 99;
    try {
      code = seclude(how) ? work() : refused;
    } catch (const std::exception& problem) {
      static_cast<void>(
          !::write(STDERR_FILENO, problem.what(), std::char_traits<char>::length(problem.what())));
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(inner, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool allows(seclusion how) {
  const bool possible = fork_child([how] { return secluded(how, [] { return 0; }); }) == 0;
  if (!possible)
    BOOST_TEST_MESSAGE("skipped: the system does not allow \"" << how << "\"; it takes the rights of root");
  return possible;
}

void check_kept_until_killed(forked_child& holder, seclusion holding, const std::function<int()>& take) {
  const auto take_from = [&](seclusion asking) { return fork_child([&] { return secluded(asking, take); }); };
  for (const seclusion asking : all_seclusions)
    if (allows(asking)) BOOST_CHECK_MESSAGE(take_from(asking) == 0, holding << " asked from " << asking);
  holder.signal(SIGKILL);
  holder.wait();
  for (const seclusion asking : all_seclusions)
    if (allows(asking)) wait_until([&] { return take_from(asking) == 1; });
}

}  // namespace ferry::test
