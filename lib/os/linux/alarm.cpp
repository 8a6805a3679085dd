// SPDX-License-Identifier: BSL-1.0
// Alarms by timerfd.
#include "os/alarm.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <sys/timerfd.h>

namespace ferry::os {

alarm::alarm() : timer_(above_streams(calls().timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK))) {
  if (!timer_.valid()) throw_system_error("create a timer to wait for");
}

void alarm::set(deadline when) noexcept {
  itimerspec time{};  // zeros: never
  if (!when.is_never()) {
    using namespace std::chrono;
    const nanoseconds left = std::max<nanoseconds>(when.remaining(), nanoseconds(1));
    const auto whole = duration_cast<seconds>(left);
    time.it_value.tv_sec = static_cast<std::time_t>(whole.count());
    time.it_value.tv_nsec = static_cast<long>((left - whole).count());
  }
  ::timerfd_settime(timer_.native(), 0, &time, nullptr);
}

}  // namespace ferry::os
