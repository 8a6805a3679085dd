// SPDX-License-Identifier: BSL-1.0
// Holding SIGPIPE and SIGXFSZ back from one thread. Both are sent to the thread that made the call.
#include "os/linux/held_signals.hpp"

#include <cerrno>
#include <ctime>

namespace ferry::os {

held_signals::held_signals() noexcept {
  ::sigemptyset(&raised_);
  ::sigpending(&already_pending_);
  sigset_t held;
  ::sigemptyset(&held);
  ::sigaddset(&held, SIGPIPE);
  ::sigaddset(&held, SIGXFSZ);
  ::pthread_sigmask(SIG_BLOCK, &held, &before_);
}

held_signals::~held_signals() {
  const int code = errno;
  constexpr timespec at_once{};
  if (::sigismember(&raised_, SIGPIPE) == 1 || ::sigismember(&raised_, SIGXFSZ) == 1)
    while (::sigtimedwait(&raised_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = code;
}

void held_signals::failed_with(int code) noexcept {
  const int signal = code == EPIPE ? SIGPIPE : code == EFBIG ? SIGXFSZ : 0;
  if (signal != 0 && ::sigismember(&already_pending_, signal) == 0) ::sigaddset(&raised_, signal);
}

}  // namespace ferry::os
