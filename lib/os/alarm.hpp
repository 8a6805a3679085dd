// SPDX-License-Identifier: BSL-1.0
// A handle that is readable from a point in time on.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

namespace ferry::os {

/// For event loops that wait on handles alone. A process and its forked copies share one. Not thread-safe.
class alarm {
 public:
  /// Readable never.
  /// @throws system_error  out of descriptors
  alarm();

  /// Readable from `when` on, until another time is set.
  void set(deadline when) noexcept;

  handle_view handle() const noexcept { return timer_; }

 private:
  unique_handle timer_;
};

}  // namespace ferry::os
