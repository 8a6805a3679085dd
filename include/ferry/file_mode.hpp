// SPDX-License-Identifier: BSL-1.0
// Modes in which files are opened, and origins from which positions in them are counted.
#pragma once

namespace ferry {

enum class file_mode {
  read,        ///< what exists, for reading
  write,       ///< for writing; created, or emptied
  append,      ///< for writing at the end, whatever the position; created if need be
  read_write,  ///< for both; created if need be, not emptied
  create,      ///< for both; must not exist
};

enum class file_origin { begin, current, end };

}  // namespace ferry
