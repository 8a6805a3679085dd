// SPDX-License-Identifier: BSL-1.0
// Reading what /proc and /sys say.
#include "os/linux/small_file.hpp"

#include <ferry/handle.hpp>

#include "os/linux/system_calls.hpp"

#include <array>
#include <cerrno>

namespace ferry::os {

std::optional<std::string> read_small_file(const std::string& path) {
  const int opened = calls().open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (opened < 0) return std::nullopt;
  const unique_handle file(opened);
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    const ssize_t got = calls().read(file.native(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;  // ESRCH: the process ended after its file was opened
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace ferry::os
