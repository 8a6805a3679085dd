// A sandbox that refuses system calls, as container runtimes and seccomp profiles older than the call do.
#pragma once

namespace ferry::test {

/// Has this process and its children get `code` (an errno) for every system call of that number, from now on.
/// For a forked child.
/// @returns false when the system has no such filters
bool refuse_system_call(long number, int code);

}  // namespace ferry::test
