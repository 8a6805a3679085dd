// SPDX-License-Identifier: BSL-1.0
// Cached process and thread ids of the caller.
#pragma once

#include <cstdint>

namespace ferry::os {

struct thread_ids {
  std::uint32_t thread = 0, process = 0;
};

// In the block that each thread has from its start: reading it is one instruction, also in a shared library.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local thread_ids known_ids;

void find_out_own_ids() noexcept;

/// Ids of the calling thread and of its process. A system call only the first time in a thread, and in a
/// forked child.
inline thread_ids own_ids() noexcept {
  if (known_ids.thread == 0) [[unlikely]]
    find_out_own_ids();
  return known_ids;
}

}  // namespace ferry::os
