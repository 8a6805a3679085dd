// SPDX-License-Identifier: BSL-1.0
// A part of a test that runs in a forked child, and how it and the test wait for each other.
#pragma once

#include <ferry/deadline.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <sys/types.h>
#include <thread>

namespace ferry::test {

/// How long a test waits for what must happen: far longer than it takes, so that a loaded machine fails
/// nothing.
inline constexpr std::chrono::seconds patience{30};

/// Waits until `ready()`.
/// @throws std::runtime_error  when that is not so after `patience`
template <class Ready>
void wait_until(Ready ready) {
  for (const deadline until = deadline::after(patience); !ready(); std::this_thread::yield())
    if (until.expired()) throw std::runtime_error("waited in vain");
}

/// A forked child that runs a function. Killed and reaped at the latest when dropped.
class forked_child {
 public:
  /// Forks. The child exits with what `work` returns, 99 when it throws (and prints why), and runs no
  /// destructor or exit handler of the parent.
  explicit forked_child(const std::function<int()>& work);
  ~forked_child();
  forked_child(const forked_child&) = delete;
  forked_child& operator=(const forked_child&) = delete;

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;
  /// Reaps the child.
  /// @returns the exit code, or minus the number of the signal that ended it
  /// @throws std::runtime_error  when it still runs after `patience`; it is killed first
  int wait();

 private:
  pid_t pid_;
  bool reaped_ = false;
};

/// Runs `work` in a forked child. @returns what `forked_child::wait` returns
int fork_child(const std::function<int()>& work);

}  // namespace ferry::test
