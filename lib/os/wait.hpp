// SPDX-License-Identifier: BSL-1.0
// Waiting until handles are ready, with a deadline and in spite of signals.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include <span>

namespace ferry::os {

/// One of the handles that `wait_any` looks at.
struct awaited {
  handle_view handle;
  bool for_sending = false;  ///< wait until it takes bytes, rather than until it has some
  bool ready = false;        ///< set by `wait_any`; the end of a stream and errors count as ready
};

/// Waits until at least one of `handles` is ready or `until` has passed, and marks all that are. With no
/// handles it sleeps. Resumes with what remains after a signal.
/// @returns whether any is ready
/// @throws system_error  when one of them is not open
bool wait_any(std::span<awaited> handles, deadline until);

bool wait_readable(handle_view handle, deadline until);
bool wait_writable(handle_view handle, deadline until);

/// Whether the other end of a socket or pipe is closed. There may still be something to receive.
bool hung_up(handle_view handle);

/// Sleeps between attempts at something that gives no event to wait for: 1 ms at first, then longer each time
/// up to 50 ms.
class retry_pause {
 public:
  /// @returns false when `until` has passed already, without sleeping
  bool operator()(deadline until);

 private:
  int milliseconds_ = 1;
};

}  // namespace ferry::os
