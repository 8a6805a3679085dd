// SPDX-License-Identifier: BSL-1.0
// The stack of the calling thread.
#pragma once

#include <cstddef>

namespace ferry::os {

/// Whether less is left of the calling thread's stack than calls which do not go deeper may take: 64 KiB, or
/// a quarter of a stack that is smaller than 256. False where that cannot be told, and on a stack that the
/// thread was not started with: one of a coroutine, or of a signal handler.
bool stack_is_scarce() noexcept;

/// Size of the calling thread's stack in bytes; 0 where it cannot be told.
std::size_t stack_size() noexcept;

}  // namespace ferry::os
