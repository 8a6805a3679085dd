// SPDX-License-Identifier: BSL-1.0
// Making the system fail on request: single system calls, and the limit of descriptors.
#pragma once

#include "os/linux/system_calls.hpp"

#include <cstddef>
#include <sys/resource.h>
#include <type_traits>
#include <utility>

namespace ferry::test {

/// Puts another function in the place of one system call for as long as it lives:
///
///   scoped_system_call fault(&os::system_calls::read, [](int, void*, size_t) -> ssize_t {
///     errno = EINTR;
///     return -1;
///   });
template <class Function>
class scoped_system_call {
 public:
  scoped_system_call(Function os::system_calls::*entry, std::type_identity_t<Function> replacement)
      : entry_(entry), original_(std::exchange(os::calls().*entry, replacement)) {}
  ~scoped_system_call() { os::calls().*entry_ = original_; }
  scoped_system_call(const scoped_system_call&) = delete;
  scoped_system_call& operator=(const scoped_system_call&) = delete;

 private:
  Function os::system_calls::*entry_;
  Function original_;
};

/// Lowers a limit of this process (soft limit only) for as long as it lives.
class scoped_limit {
 public:
  /// @param resource  one of RLIMIT_...
  scoped_limit(int resource, rlim_t value);
  ~scoped_limit();
  scoped_limit(const scoped_limit&) = delete;
  scoped_limit& operator=(const scoped_limit&) = delete;

 private:
  int resource_;
  rlimit before_{};
};

/// Lets the process open exactly `more` further descriptors.
class scoped_fd_limit {
 public:
  explicit scoped_fd_limit(std::size_t more);

 private:
  scoped_limit limit_;
};

}  // namespace ferry::test
