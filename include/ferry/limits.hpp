// SPDX-License-Identifier: BSL-1.0
// Limits of what a message may ask of its reader.
#pragma once

#include <cstddef>

namespace ferry {

/// Budgets for one message, in force when it is written and when it is read. Passing one is `limit_exceeded`.
struct limits {
  std::size_t bytes = std::size_t{1} << 30U;  ///< size of the whole message in bytes
  /// How deep containers, pointers, optionals, variants and classes with a `serialize` lie inside one
  /// another; what is copied as a block is no level. A thread whose stack has no room for as many refuses the
  /// message before, with the same exception.
  std::size_t depth = 400;
  std::size_t objects = 100'000'000;  ///< elements and pointees, those copied as a block not counted
  std::size_t handles = 4096;         ///< operating-system handles
};

}  // namespace ferry
