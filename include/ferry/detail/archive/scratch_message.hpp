// SPDX-License-Identifier: BSL-1.0
// A message on its way in or out, in memory that is used again.
#pragma once

#include <ferry/message.hpp>

namespace ferry::detail {

/// A message in a block of memory that each thread keeps for what it sends or receives next, so that small
/// messages allocate nothing. Also to be used at the end of a thread and of the program, when objects of the
/// thread are gone: the block is a new one then.
class scratch_message {
 public:
  /// Takes the thread's block, if it is not in use.
  scratch_message() noexcept;
  /// Gives it back, unless it is very large.
  ~scratch_message();
  scratch_message(const scratch_message&) = delete;
  scratch_message& operator=(const scratch_message&) = delete;

  message what;
};

}  // namespace ferry::detail
