// SPDX-License-Identifier: BSL-1.0
// Systems that lack what newer ones have: sandboxes that refuse system calls, as container runtimes and
// seccomp profiles older than the call do, and kernels.
#pragma once

namespace ferry::test {

/// Has this process and its children get `code` (an errno) for every system call of that number, from now on.
/// For a forked child.
/// @returns false when the system has no such filters
bool refuse_system_call(long number, int code);

bool kernel_is_since(int major, int minor);

}  // namespace ferry::test
