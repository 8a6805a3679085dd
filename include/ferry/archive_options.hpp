// SPDX-License-Identifier: BSL-1.0
// Options of one archive, and of everything that a connection or context sends.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/limits.hpp>
#include <ferry/transfer.hpp>

namespace ferry {

class dispatch_table;

/// Options of `dumps`, `loads` and the archives. The defaults are safe for bytes from anywhere.
struct archive_options {
  transfer mode = transfer::inherit;  ///< whether guarded objects may cross outside the start of a process
  const dispatch_table* table = nullptr;  ///< looked up first, then its parents; null: the global one
  limits limit = {};                      ///< budgets, checked on both sides
  buffer::source* memory = nullptr;       ///< writing only: where large blocks come from; null: the heap
};

}  // namespace ferry
