// SPDX-License-Identifier: BSL-1.0
// Keeping off the numbers of the standard streams.
#pragma once

#include "os/linux/system_calls.hpp"

#include <cerrno>

namespace ferry::os {

/// Moves a descriptor that was just made away from the numbers 0 to 2. It gets one of them when the program
/// has closed a standard stream, and whatever is printed then would go into it.
/// @param made  close-on-exec; negative: nothing is done
/// @returns its number; negative, with `errno` set, when descriptors have run out
inline int above_streams(int made) noexcept {
  if (made < 0 || made > STDERR_FILENO) return made;
  const int moved = calls().dup_cloexec(made);
  const int code = errno;
  ::close(made);
  errno = code;
  return moved;
}

}  // namespace ferry::os
