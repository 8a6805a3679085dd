// SPDX-License-Identifier: BSL-1.0
// Errors of getting handles of processes (pidfds).
#pragma once

#include "os/handle.hpp"

#include <cerrno>
#include <string>

namespace ferry::os {

/// Throws what `errno` says.
[[noreturn]] inline void throw_pidfd_error(const std::string& operation) {
  const int code = errno;
  if (code == ENOSYS || code == EPERM)
    throw_system_error(code, operation + ": pidfd_open(2) takes Linux 5.3, and a sandbox that allows it");
  throw_system_error(code, operation);
}

}  // namespace ferry::os
