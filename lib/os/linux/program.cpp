// SPDX-License-Identifier: BSL-1.0
// Starting a program by posix_spawn.
#include "os/handle.hpp"
#include "os/linux/new_process.hpp"
#include "os/linux/system_calls.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <link.h>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <vector>

namespace ferry::os {
namespace {

/// A link to the program that runs; see proc(5).
constexpr const char* own_program = "/proc/self/exe";

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

/// What stands before the program's own arguments where a program was started by naming the system's loader
/// (`/lib64/ld-linux-x86-64.so.2 ./app`): `own_program` is the loader then. Else empty. Never destroyed.
std::vector<std::string>& command_of_loader() {
  static auto& command = *new std::vector<std::string>;
  return command;
}

/// The system brings the loader of a program that names one in its headers to some place in memory, unless it
/// was the loader that was started.
bool was_started_by_loader() {
  if (::getauxval(AT_BASE) != 0) return false;
  return ::dl_iterate_phdr(
             [](dl_phdr_info* program, std::size_t, void*) {
               const std::span headers(program->dlpi_phdr, program->dlpi_phnum);
               const auto names_loader = [](const auto& each) { return each.p_type == PT_INTERP; };
               return std::ranges::any_of(headers, names_loader) ? 1 : -1;  // the program itself comes first
             },
             nullptr) == 1;
}

std::vector<std::string> own_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

/// What the system says of an environment and arguments that it does not take is too little.
std::string text_of_size() {
  std::size_t all = 0;
  std::string_view longest;
  for (char* const* each = ::environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view text(*each);
    all += text.size() + 1 + sizeof(char*);
    if (text.size() > longest.size()) longest = text;
  }
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  std::ostringstream text;
  constexpr std::size_t most_of_one = std::size_t{128} << 10U;  // execve(2)
  text << ": the environment and the arguments are too large for a new program: the largest variable, "
       << longest.substr(0, std::min(longest.find('='), std::size_t{100})) << ", has " << longest.size() + 1
       << " bytes of " << most_of_one << " that one string may have, and all together have " << all
       << " bytes of a quarter of the stack limit, which is " << stack.rlim_cur
       << " (`ulimit -s`; 6 MiB are the most in any case): unset what the child does not need, or use "
          "start_method::fork";
  return text.str();
}

std::string text_of_failure(const program& what, int code) {
  std::string text =
      what.path.empty() ? "start this program again as a new process" : "start program " + what.path;
  if (code == E2BIG) text += text_of_size();
  if (what.path.empty() && ::access(own_program, F_OK) != 0)
    text += std::string(": ") + own_program +
            " is needed for that and is not there: mount /proc, name a program in context::program, or use "
            "start_method::fork";
  return text;
}

}  // namespace

void note_command_line(int argc) {
  if (!was_started_by_loader()) return;
  std::vector<std::string> all = own_command_line();
  const auto own = static_cast<std::size_t>(std::max(argc, 1)) - 1;
  if (all.size() <= own + 1) return;
  all.resize(all.size() - own);
  // It has to be found from other folders too.
  const std::unique_ptr<char, decltype(&std::free)> whole(::realpath(all.back().c_str(), nullptr),
                                                          &std::free);
  if (whole) all.back() = whole.get();
  command_of_loader() = std::move(all);
}

started_process start_program(const program& what, std::span<const handle_view> passed) {
  const char* const path = what.path.empty() ? own_program : what.path.c_str();
  file_actions actions;
  actions.pass(passed);
  actions.close_from(first_passed_handle + static_cast<int>(passed.size()));
  actions.open_null(STDIN_FILENO);
  const spawn_attributes attributes;
  std::vector<char*> arguments;
  const auto add = [&arguments](const char* text) { arguments.push_back(const_cast<char*>(text)); };
  // The name that `ps` shows; for a copy of this program, its own.
  if (!what.path.empty())
    add(path);
  else if (command_of_loader().empty())
    add(::program_invocation_name);
  else
    for (const std::string& each : command_of_loader()) add(each.c_str());
  for (const std::string& each : what.arguments) add(each.c_str());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int code =
      calls().posix_spawn(&child, path, actions.get(), attributes.get(), arguments.data(), ::environ);
  if (code != 0) throw_not_started(code, text_of_failure(what, code));
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
void set_own_name(const std::string& name) noexcept {
  ::prctl(PR_SET_NAME, name.c_str());
}

}  // namespace ferry::os
