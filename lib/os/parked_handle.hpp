// SPDX-License-Identifier: BSL-1.0
// A handle put where another process can fetch it exactly once.
#pragma once

#include <ferry/handle.hpp>

#include <array>
#include <cstddef>
#include <optional>

namespace ferry::os {

using box_token = std::array<std::byte, 16>;

/// A socket of its own, closed for writing, in which one packet waits: a token and a handle. The kernel keeps
/// the handle alive and gives the packet to one reader only, whatever becomes of the processes that read.
/// @returns the end to read from
unique_handle make_box(handle_view content, const box_token& token);

struct box_content {
  box_token token{};
  unique_handle handle;
};
/// A look at what is in the box, which stays there; `handle` is a duplicate.
/// @returns nothing if the box is empty or `box` is no box
/// @throws system_error  out of descriptors; the box stays as it was
std::optional<box_content> look_into(handle_view box);
/// True if there is something in the box.
bool is_full(handle_view box);
/// Takes out what is in the box, and drops it.
/// @returns true for exactly one of all callers in all processes
bool empty_box(handle_view box);

}  // namespace ferry::os
