// SPDX-License-Identifier: BSL-1.0
// The life of a child from its first instruction in Ferry to its exit.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/handle.hpp>

#include "process/identity.hpp"

namespace ferry::detail {

class closure;

/// The start message of a child, read as far as it tells who the child is; what its callable takes comes
/// next.
struct read_start {
  explicit read_start(message from);
  forking_iarchive archive;
  start_request request;
};

/// An exception that ends the callable of this process is not printed: it goes to the parent alone.
void keep_silent_about_exceptions() noexcept;

/// Receives over `channel` what there is to do, does it and exits.
/// @param lifeline  invalid, or what this process dies with
/// @param work  what to do if the parent names no callable
/// @param announce  tell the parent that this program knows how to be a child
[[noreturn]] void live_as_child(unique_handle channel, unique_handle lifeline, closure* work = nullptr,
                                bool announce = false) noexcept;

/// Waits for any message over `channel`, does what there is to do and exits.
[[noreturn]] void live_as_child(unique_handle channel, unique_handle lifeline, read_start& start) noexcept;

/// To be called when this process may have become another user: a daemon's parent must still be allowed to
/// take it along, which in a user namespace is a matter of who said so last.
void renew_lifeline();

}  // namespace ferry::detail
