// SPDX-License-Identifier: BSL-1.0
// What a child has from its parent, by every start method: what the parent is when it starts the child,
// whatever it was before.
#include <ferry/error.hpp>

#include "process/support.hpp"
#include "support/exceptions.hpp"
#include "support/temporary_folder.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <grp.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

constexpr const char* variable = "FERRY_TEST_VARIABLE";
constexpr int unusual_stack_limit = 7 << 20;

/// A line of /proc/self/status.
std::string status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) return line;
  return {};
}
/// Without those that the C library keeps for itself, which it has its children ignore.
std::string ignored_signals() {
  std::string all;
  for (int each = 1; each < 32; ++each) {
    struct sigaction found {};
    if (::sigaction(each, nullptr, &found) == 0 && found.sa_handler == SIG_IGN)
      all += " " + std::to_string(each);
  }
  return all;
}
std::string link(const std::string& name) {
  std::array<char, 256> target{};
  return ::readlink(("/proc/self/" + name).c_str(), target.data(), target.size() - 1) > 0 ? target.data()
                                                                                          : "";
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}
bool may_make_folders() {
  std::string name = "/tmp/ferry_inherited_XXXXXX";
  return ::mkdtemp(name.data()) != nullptr && ::rmdir(name.c_str()) == 0;
}
int memory_policy() {
  int policy = -1;
  ::syscall(SYS_get_mempolicy, &policy, nullptr, 0, nullptr, 0);
  return policy;
}

/// What a process is, in words.
std::vector<std::string> surroundings() {
  const char* const value = std::getenv(variable);
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  std::vector<std::string> all{
      std::string("variable ") + (value != nullptr ? value : "unset"),
      "folder " + link("cwd"),
      "output " + link("fd/1"),
      "errors " + link("fd/2"),
      "root " + link("root"),
      "stack limit " + std::to_string(stack.rlim_cur),
      "nice " + std::to_string(::getpriority(PRIO_PROCESS, 0)),
      "policy " + std::to_string(::sched_getscheduler(0)),
      "group of processes " + std::to_string(::getpgrp()),
      "session " + std::to_string(::getsid(0)),
      "ignored signals" + ignored_signals(),
      "slack of timers " + std::to_string(::prctl(PR_GET_TIMERSLACK)),
      "end for want of memory " + content("/proc/self/oom_score_adj"),
      "cores " + content("/proc/self/coredump_filter"),
      "policy of memory " + std::to_string(memory_policy()),
      "huge pages " + std::to_string(::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)),
      "damaged memory " + std::to_string(::prctl(PR_MCE_KILL_GET, 0, 0, 0, 0)),
      "keys " + std::to_string(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0)),
      std::string("folders ") + (may_make_folders() ? "may be made" : "may not be made"),
      "users " + std::to_string(::getuid()) + " " + std::to_string(::geteuid()),
      "groups " + std::to_string(::getgid()) + " " + std::to_string(::getegid()),
  };
  for (const char* const each : {"Umask", "Groups", "SigBlk", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                                 "NoNewPrivs", "Seccomp", "SpeculationIndirectBranch", "Cpus_allowed"})
    all.push_back(status(each));
  for (const char* const each : {"user", "mnt", "net", "uts", "ipc", "cgroup"})
    all.push_back(link(std::string("ns/") + each));
  return all;
}
void tell_surroundings(connection line) {
  tell(line, surroundings());
}

/// Something about a process that can be made otherwise.
struct change {
  std::string what;
  std::function<bool()> make;  ///< whether it could be
};
std::ostream& operator<<(std::ostream& out, const change& which) {
  return out << which.what;
}

bool filter_system_calls() {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{1, &allow};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
bool use_one_processor() {
  cpu_set_t some;
  if (::sched_getaffinity(0, sizeof some, &some) != 0 || CPU_COUNT(&some) < 2) return false;
  for (int each = 0; CPU_COUNT(&some) > 1; ++each) CPU_CLR(each, &some);
  return ::sched_setaffinity(0, sizeof some, &some) == 0;
}
bool forbid_folders() {
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_DIR;
  const auto fence = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
  return fence >= 0 && ::syscall(SYS_landlock_restrict_self, fence, 0) == 0 && ::close(fence) == 0;
}
bool take_memory_of_one_node() {
  const unsigned long first = 1;
  return ::syscall(SYS_set_mempolicy, MPOL_BIND, &first, 8 * sizeof first) == 0;
}
bool lower_stack_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_STACK, &limit);
  limit.rlim_cur = unusual_stack_limit;
  return ::setrlimit(RLIMIT_STACK, &limit) == 0;
}
bool is_root() {
  return ::geteuid() == 0;
}

const std::vector<change>& changes() {
  static const std::vector<change> all{
      {"nothing", [] { return true; }},
      {"the environment", [] { return ::setenv(variable, "new", 1) == 0; }},
      {"the folder", [] { return ::chdir("/") == 0; }},
      {"the output", [] { return ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), 1) == 1; }},
      {"the error stream", [] { return ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), 2) == 2; }},
      {"the file mode mask", [] { return ::umask(077) != 077; }},
      {"a limit", &lower_stack_limit},
      {"the niceness", [] { return ::nice(3) != -1; }},
      {"the policy",
       [] {
         const sched_param none{};
         return ::sched_setscheduler(0, SCHED_BATCH, &none) == 0;
       }},
      {"the slack of timers", [] { return ::prctl(PR_SET_TIMERSLACK, 1234567) == 0; }},
      {"who is ended first for want of memory",
       [] { return bool(std::ofstream("/proc/self/oom_score_adj") << 500 << std::flush); }},
      {"what a core holds",
       [] { return bool(std::ofstream("/proc/self/coredump_filter") << "0x7f" << std::flush); }},
      {"where memory is taken from", &take_memory_of_one_node},
      {"how memory is taken", [] { return ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0; }},
      {"what becomes of damaged memory",
       [] { return ::prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0; }},
      {"the keys", [] { return ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) > 0; }},
      {"what files may be used for", [] { return is_root() && forbid_folders(); }},
      {"what is guessed of branches",
       [] { return ::prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE, 0, 0) == 0; }},
      {"an ignored signal", [] { return std::signal(SIGUSR2, SIG_IGN) != SIG_ERR; }},
      {"the session", [] { return ::setsid() > 0; }},
      {"the group of processes", [] { return ::setpgid(0, 0) == 0; }},
      {"the processors", &use_one_processor},
      {"the groups", [] { return is_root() && ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0; }},
      {"the additional groups",
       [] {
         const std::array<gid_t, 2> some{65532, 65533};
         return is_root() && ::setgroups(some.size(), some.data()) == 0;
       }},
      {"the user", [] { return is_root() && ::setgid(65534) == 0 && ::setuid(65534) == 0; }},
      {"the user for now", [] { return is_root() && ::seteuid(65534) == 0; }},
      {"what rights can be had", [] { return ::prctl(PR_CAPBSET_DROP, 20, 0, 0, 0) == 0; }},
      {"that no new rights can be had", [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }},
      {"the system calls", &filter_system_calls},
      {"the host name's namespace", [] { return ::unshare(CLONE_NEWUTS) == 0; }},
      {"the network", [] { return ::unshare(CLONE_NEWNET) == 0; }},
      {"the mounts", [] { return ::unshare(CLONE_NEWNS) == 0; }},
      {"the users' namespace", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
      {"all at once",
       [] {
         return ::setenv(variable, "new", 1) == 0 && ::chdir("/") == 0 && ::umask(077) != 077 &&
                lower_stack_limit() && ::nice(1) != -1 && is_root() && ::setgroups(0, nullptr) == 0 &&
                ::setgid(65534) == 0 && ::setuid(65534) == 0;
       }},
  };
  return all;
}

constexpr int cannot_be_made = 77;

/// Of its capabilities a program that is started may have fewer than who starts it; see capabilities(7).
bool has_no_more_rights(const std::string& child, const std::string& own) {
  const std::size_t value = std::string("CapEff:\t").size();
  if (!own.starts_with("Cap")) return false;
  return (std::stoull(child.substr(value), nullptr, 16) & ~std::stoull(own.substr(value), nullptr, 16)) == 0;
}

/// Starts a child. @returns whether it is what this process is
bool child_is_the_same(start_method method) {
  auto [here, there] = pipe();
  process(by(method), fn<&tell_surroundings>, std::move(there)).join();
  const auto told = hear<std::vector<std::string>>(here), own = surroundings();
  bool same = true;
  for (std::size_t i = 0; i != own.size(); ++i) {
    if (told[i] == own[i] || has_no_more_rights(told[i], own[i])) continue;
    std::fprintf(stderr, "own: %s, the child's: %s\n", own[i].c_str(), told[i].c_str());
    same = false;
  }
  return same;
}

/// In a process of its own: starts a child, makes the change, and starts another.
int compare_after(const change& what, start_method method) {
  std::signal(SIGINT, SIG_DFL);  // as a test is run in the background
  if (!child_is_the_same(method)) return 1;
  if (!what.make()) return cannot_be_made;
  const bool same = child_is_the_same(method);
  stop_forkserver();
  return same ? 0 : 2;
}

void tell_blocked(connection line) {
  tell(line, status("SigBlk"));
}
void sleep_on(connection line) {
  tell(line, true);
  wait_for_end(std::move(line));
}
/// For as long as it lives, the calling thread takes no signal.
class all_blocked {
 public:
  all_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~all_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  all_blocked(const all_blocked&) = delete;
  all_blocked& operator=(const all_blocked&) = delete;

 private:
  sigset_t before_{};
};

void tell_handler(connection line) {
  struct sigaction found {};
  ::sigaction(SIGUSR1, nullptr, &found);
  tell(line, found.sa_handler == SIG_DFL);
}
void tell_interrupts_ignored(connection line) {
  struct sigaction found {};
  ::sigaction(SIGINT, nullptr, &found);
  tell(line, found.sa_handler == SIG_IGN);
}

int number_in_memory = 1;
void tell_number(connection line) {
  tell(line, number_in_memory);
}

void leave_with(int code) {
  std::exit(code);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(inherited, no_forkserver_left)

BOOST_DATA_TEST_CASE(a_child_is_what_its_parent_is_when_it_starts_it,
                     boost::unit_test::data::make(changes()) * every_start_method, what, method) {
  const int code = fork_child([&] { return compare_after(what, method); });
  if (code == cannot_be_made)
    BOOST_TEST_MESSAGE("cannot be tested here: " << what << " cannot be changed");
  else
    BOOST_TEST(code == 0);
}

// It has no /proc to start another by, and the server that there is lives outside.
BOOST_AUTO_TEST_CASE(a_forkserver_outside_of_a_new_root_folder_starts_nothing_more) {
  const temporary_folder cage;
  const int code = fork_child([&] {
    process(by(start_method::forkserver), fn<&nothing>).join();
    if (::chroot(cage.path.c_str()) != 0) return cannot_be_made;
    try {
      process(by(start_method::forkserver), fn<&nothing>).join();
    } catch (const system_error& refused) {
      return says("needs /proc")(refused) ? 0 : 1;
    }
    return 2;
  });
  if (code == cannot_be_made)
    BOOST_TEST_MESSAGE("cannot be tested here: no right to change the root folder");
  else
    BOOST_TEST(code == 0);
}

BOOST_DATA_TEST_CASE(a_child_starts_with_no_signal_blocked, every_start_method, method) {
  auto [here, there] = pipe();
  const all_blocked meanwhile;
  const process child(by(method), fn<&tell_blocked>, std::move(there));
  BOOST_TEST(hear<std::string>(here) == "SigBlk:\t0000000000000000");
}

BOOST_DATA_TEST_CASE(a_child_of_one_that_blocks_signals_can_be_terminated, every_start_method, method) {
  auto [here, there] = pipe();
  const all_blocked meanwhile;
  process child(by(method), fn<&sleep_on>, std::move(there));
  BOOST_TEST(hear<bool>(here));
  child.terminate();
  child.join();
  BOOST_TEST(child.exit_code().value() == -SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_copy_that_runs_a_closure_starts_with_no_signal_blocked) {
  auto [here, there] = pipe();
  const all_blocked meanwhile;
  process child = process::fork([&end = there] { sleep_on(std::move(end)); });
  BOOST_TEST(hear<bool>(here));
  child.terminate();
  child.join();
  BOOST_TEST(child.exit_code().value() == -SIGTERM);
}

// Handlers are code in memory: a copy of this process has them.
BOOST_DATA_TEST_CASE(only_a_copy_of_this_process_has_its_signal_handlers, every_start_method, method) {
  auto [here, there] = pipe();
  const auto before = std::signal(SIGUSR1, [](int) {});
  const process child(by(method), fn<&tell_handler>, std::move(there));
  BOOST_TEST(hear<bool>(here) == (method != start_method::fork));
  std::signal(SIGUSR1, before);
}

BOOST_DATA_TEST_CASE(a_child_of_one_that_ignores_interrupts_does_so_too, every_start_method, method) {
  auto [here, there] = pipe();
  for (const auto how : {SIG_IGN, SIG_DFL}) {
    const auto before = std::signal(SIGINT, how);
    process(by(method), fn<&tell_interrupts_ignored>, there).join();
    BOOST_TEST(hear<bool>(here) == (how == SIG_IGN));
    std::signal(SIGINT, before);
  }
}

BOOST_DATA_TEST_CASE(only_a_copy_of_this_process_has_its_memory, every_start_method, method) {
  auto [here, there] = pipe();
  number_in_memory = 2;
  const process child(by(method), fn<&tell_number>, std::move(there));
  BOOST_TEST(hear<int>(here) == (method == start_method::fork ? 2 : 1));
  number_in_memory = 1;
}

// Each server has what its children inherit: it lives as long as they do.
BOOST_AUTO_TEST_CASE(children_of_a_server_that_was_replaced_report_their_end) {
  const int code = fork_child([] {
    auto [here, there] = pipe();
    process first(by(start_method::forkserver), fn<&sleep_on>, std::move(there));
    hear<bool>(here);
    process::fork([] {}).join();  // a copy holds up nothing
    ::setenv(variable, "new", 1);
    process second(by(start_method::forkserver), fn<&leave_with>, 5);
    second.join();
    if (second.exit_code() != 5 || !first.is_alive()) return 1;
    first.terminate();
    first.join();
    return first.exit_code() == -SIGTERM ? 0 : 2;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(a_change_that_is_taken_back_costs_no_correctness) {
  for (const char* const value : {"one", "two", "one", "one", "three"}) {
    ::setenv(variable, value, 1);
    auto [here, there] = pipe();
    process(by(start_method::forkserver), fn<&tell_surroundings>, std::move(there)).join();
    BOOST_TEST(hear<std::vector<std::string>>(here).front() == std::string("variable ") + value);
  }
  ::unsetenv(variable);
}

BOOST_AUTO_TEST_SUITE_END()
