// SPDX-License-Identifier: BSL-1.0
// The common part of all ways to make a process.
#pragma once

#include <ferry/handle.hpp>

#include <string>
#include <sys/types.h>

namespace ferry::os {

/// @param code  why; for lack of processes the text names the limit and the cure
[[noreturn]] void throw_not_started(int code, const std::string& operation);

/// A handle of a child that was just made. One that cannot be watched is not left behind.
unique_handle watch_or_kill(pid_t child);

}  // namespace ferry::os
