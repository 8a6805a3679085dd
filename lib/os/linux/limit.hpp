// SPDX-License-Identifier: BSL-1.0
// Limits of this process, for messages about reaching them.
#pragma once

#include <sys/resource.h>

namespace ferry::os {

/// In bytes.
inline rlim_t file_size_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  return limit.rlim_cur;
}

}  // namespace ferry::os
