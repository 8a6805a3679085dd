// SPDX-License-Identifier: BSL-1.0
// Options of queues, and of closing them.
#pragma once

#include <ferry/limits.hpp>
#include <ferry/transfer.hpp>

#include <cstddef>

namespace ferry {

class dispatch_table;

/// Options of a queue.
struct queue_options {
  std::size_t max_items = 0;  ///< most items that wait in it; 0: any number
  /// Most memory that its items take, those under a lease included: 32 bytes each beside their own, rounded
  /// up to 8; 0: as much as there is.
  std::size_t max_bytes = 0;
  transfer mode = transfer::inherit;      ///< whether guarded objects may be put at any time
  const dispatch_table* table = nullptr;  ///< for the items; null: the global one. Does not cross.
  limits limit = {};                      ///< budgets of an item
};

/// What `close` does with the items that are still in a queue.
enum class closing {
  drain,    ///< they can be taken
  discard,  ///< they are dropped
};

}  // namespace ferry
