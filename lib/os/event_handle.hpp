// SPDX-License-Identifier: BSL-1.0
// A handle that is readable or not, as one likes.
#pragma once

#include <ferry/handle.hpp>

namespace ferry::os {

/// Not readable at first.
/// @throws system_error  when descriptors have run out
unique_handle create_event_handle();
/// Whether `handle` is such a one, and does not make anybody wait.
bool is_event_handle(handle_view handle) noexcept;
/// Makes it readable; wakes whoever waits for that.
void raise_event(handle_view handle) noexcept;
/// Makes it not readable.
void clear_event(handle_view handle) noexcept;

}  // namespace ferry::os
