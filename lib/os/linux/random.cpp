// SPDX-License-Identifier: BSL-1.0
// Random bytes by getrandom(2).
#include "os/random.hpp"

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"

#include <cerrno>

namespace ferry::os {

void fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = calls().getrandom(bytes.data(), bytes.size(), 0);
    if (got >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    else if (errno != EINTR)
      throw_system_error("get random bytes");
  }
}

}  // namespace ferry::os
