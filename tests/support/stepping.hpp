// SPDX-License-Identifier: BSL-1.0
// Killing a child at every instruction of one operation, one child for each instruction. For x86-64.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sys/types.h>

namespace ferry::test {

/// A forked child that runs one operation under control of this process. Killed and reaped at the latest when
/// dropped.
class stepped_child {
 public:
  /// Forks, and waits until the child is about to begin.
  explicit stepped_child(const std::function<void()>& operation);
  ~stepped_child();
  stepped_child(const stepped_child&) = delete;
  stepped_child& operator=(const stepped_child&) = delete;

  /// Runs one instruction; one that repeats itself (a block copied by `rep movs`) counts once.
  /// @returns false when the operation is complete; the child still lives then
  /// @throws std::runtime_error  when the operation threw
  bool step();
  /// Runs up to the next entry into a system call, or the next return from one. Returns and throws as `step`.
  bool run_to_system_call();
  /// Runs up to the instruction at `address`. Returns and throws as `step`. The address is that of an earlier
  /// child too: all are copies of this process.
  bool run_to(std::uintptr_t address);
  /// Address of the next instruction.
  std::uintptr_t position() const;
  void kill();

 private:
  bool go_on(int request);
  bool is_at_repeating_instruction(std::uintptr_t& next) const;

  pid_t pid_ = -1;
  int pending_signal_ = 0;
  bool ended_ = false;
};

/// One attempt: what the child is killed in, and what must hold for those who survive it.
struct deed {
  std::function<void()> operation;  ///< runs in the child
  std::function<void()> aftermath;  ///< runs here, when the child is dead
};

struct kill_figures {
  std::size_t instructions = 0;  ///< of the operation, as far as there was time to go through it
  std::size_t places = 0;        ///< different instructions among them
  std::size_t system_calls = 0;  ///< of the operation
  std::size_t kills = 0;
};

/// Kills a child before and after each system call of an operation, since these are what others see of it;
/// where it first comes to each instruction of the code; and after each k-th instruction of those it goes
/// through. What takes too long is thinned out evenly: how far it gets depends on the machine, so what came
/// of the kills is counted with BOOST_WARN, and only what holds after each of them is required.
/// @param prepare  makes new objects for each attempt
/// @param budget  about how long all takes; a tenth of it with AddressSanitizer
kill_figures kill_everywhere(const std::function<deed()>& prepare,
                             std::chrono::milliseconds budget = std::chrono::milliseconds(1500));

}  // namespace ferry::test
