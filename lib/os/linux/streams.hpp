// SPDX-License-Identifier: BSL-1.0
// Output that the streams of C and C++ hold when a process is copied and when the copy exits.
#pragma once

namespace ferry::os {

/// Before a fork: what has been printed comes before what the child prints, and is not in its memory.
/// Another thread may hold the lock of a stream for as long as it waits for input, or for its output to be
/// taken: where there have been others, only the standard streams are flushed, and of these only those not
/// locked.
void flush_streams() noexcept;

/// In the forked child: what is still there to be written is for the parent to write. Another thread has
/// printed it since, or it is in a stream that was not flushed.
void drop_parents_output() noexcept;

/// As `exit` does, when all exit handlers have run.
void flush_streams_at_exit() noexcept;

}  // namespace ferry::os
