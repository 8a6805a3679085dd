// SPDX-License-Identifier: BSL-1.0
// Memory for bytes on their way in or out.
#pragma once

#include <ferry/buffer.hpp>

namespace ferry::detail {

/// A block of memory that each thread keeps for what it sends or receives next, so that small messages
/// allocate nothing. Also to be used at the end of a thread and of the program, when objects of the thread
/// are gone: it is a new one then.
class scratch_block {
 public:
  /// Takes the thread's block, if it is not in use.
  scratch_block() noexcept;
  /// Gives it back, unless it is very large.
  ~scratch_block();
  scratch_block(const scratch_block&) = delete;
  scratch_block& operator=(const scratch_block&) = delete;

  buffer block;
};

}  // namespace ferry::detail
