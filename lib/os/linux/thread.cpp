// SPDX-License-Identifier: BSL-1.0
// Threads and their signal masks: a thread begins with that of its maker.
#include "os/thread.hpp"

#include <gsl/util>

#include <csignal>
#include <utility>

namespace ferry::os {

std::thread start_thread(std::function<void()> body) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto restore = gsl::finally([&] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  return std::thread(std::move(body));
}

void with_faults_handled(const std::function<void()>& what) {
  sigset_t faults, before;
  ::sigemptyset(&faults);
  for (const int each : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) ::sigaddset(&faults, each);
  ::pthread_sigmask(SIG_UNBLOCK, &faults, &before);
  const auto restore = gsl::finally([&] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  what();
}

void take_all_signals() noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace ferry::os
