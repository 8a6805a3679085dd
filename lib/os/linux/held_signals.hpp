// SPDX-License-Identifier: BSL-1.0
// Signals by which the kernel reports what an error says as well.
#pragma once

#include <csignal>

namespace ferry::os {

/// For as long as it lives, a write to a closed pipe (SIGPIPE) or past the limit of file sizes (SIGXFSZ) ends
/// no process from this thread: the error number of the call tells.
class held_signals {
 public:
  held_signals() noexcept;
  ~held_signals();
  held_signals(const held_signals&) = delete;
  held_signals& operator=(const held_signals&) = delete;

  /// To be told of the error number of a call that failed, since its signal has to be taken away.
  void failed_with(int code) noexcept;

 private:
  sigset_t before_, already_pending_, raised_;
};

}  // namespace ferry::os
