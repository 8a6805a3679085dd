// SPDX-License-Identifier: BSL-1.0
// The exit of a forked copy: an exit handler ends the process when all handlers registered later have run.
#include "os/linux/copy_exit.hpp"

#include "os/linux/streams.hpp"

#include <cstdlib>
#include <unistd.h>

// What tools do at the exit of programs that are built for them, where this is one: LeakSanitizer, and the
// coverage of GCC and of Clang.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
[[gnu::weak]] void __lsan_do_leak_check();
[[gnu::weak]] void __gcov_exit();
[[gnu::weak]] int __llvm_profile_write_file();
// NOLINTEND(bugprone-reserved-identifier)
}

namespace ferry::os {
namespace {

void report_to_tools() {
  if (__gcov_exit != nullptr) __gcov_exit();
  if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
  if (__lsan_do_leak_check != nullptr) __lsan_do_leak_check();  // exits if there are any
}

void end(int code, void*) {
  // An exit that is called from here on, by a signal handler or another thread, must not go on with what
  // comes after this handler.
  ::on_exit([](int again, void*) { ::_exit(again); }, nullptr);
  flush_streams_at_exit();
  report_to_tools();
  ::_exit(code);
}

}  // namespace

void leave_parents_exit_alone() noexcept {
  // Handlers run in the order opposite to that of their registration. Without memory for this one the child
  // exits as any process does.
  static_cast<void>(::on_exit(&end, nullptr));
}

}  // namespace ferry::os
