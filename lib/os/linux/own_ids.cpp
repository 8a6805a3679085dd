// SPDX-License-Identifier: BSL-1.0
// Cached process and thread ids, which the C library does not tell without a system call.
#include "os/own_ids.hpp"

#include "base/fork.hpp"

#include <unistd.h>

namespace ferry::os {

constinit thread_local thread_ids known_ids;

void find_out_own_ids() noexcept {
  [[maybe_unused]] static const bool forgotten_in_copies =
      (detail::in_each_copy([] { known_ids = {}; }), true);
  known_ids = {static_cast<std::uint32_t>(::gettid()), static_cast<std::uint32_t>(::getpid())};
}

}  // namespace ferry::os
