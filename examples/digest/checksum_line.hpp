// SPDX-License-Identifier: BSL-1.0
// A line of the output of sha256sum.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace digest {

/// What sha256sum prints for a file. A name that would break the line is escaped, and the line begins with a
/// backslash then.
inline std::string checksum_line(std::string_view digest, const std::filesystem::path& path) {
  std::string name;
  bool escaped = false;
  for (const char letter : path.native()) {
    const char* const escape = letter == '\\'   ? "\\\\"
                               : letter == '\n' ? "\\n"
                               : letter == '\r' ? "\\r"
                                                : nullptr;
    escaped |= escape != nullptr;
    escape ? name += escape : name += letter;
  }
  return std::string(escaped ? "\\" : "").append(digest).append("  ").append(name).append("\n");
}

}  // namespace digest
