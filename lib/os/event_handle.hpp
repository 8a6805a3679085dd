// SPDX-License-Identifier: BSL-1.0
// A manually reset event as a waitable handle.
#pragma once

#include <ferry/handle.hpp>

namespace ferry::os {

/// Not readable at first.
/// @throws system_error  when descriptors have run out
unique_handle create_event_handle();
/// Whether `handle` is such a one, and does not make its readers wait.
bool is_event_handle(handle_view handle) noexcept;
/// Makes it readable; wakes all threads that wait for that.
void raise_event(handle_view handle) noexcept;
/// Makes it not readable.
void clear_event(handle_view handle) noexcept;

}  // namespace ferry::os
