// SPDX-License-Identifier: BSL-1.0
// Waiting by poll(2).
#include "os/wait.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace ferry::os {
namespace {

/// Rounded up, so that poll never returns just before the deadline and spins.
int poll_timeout(deadline until) {
  if (until.is_never()) return -1;
  constexpr std::chrono::milliseconds longest(1'000'000);  // fits an int; the loop comes round again
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::min<deadline::clock::duration>(until.remaining(), longest));
  return static_cast<int>(left.count());
}

bool poll_until(std::span<pollfd> entries, deadline until) {
  for (;;) {
    const int ready = calls().poll(entries.data(), entries.size(), poll_timeout(until));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw_system_error("wait for descriptors");
    // After EINTR it looks once more, whatever the time: what is ready must not be missed.
    if (ready == 0 && until.expired()) return false;
  }
}

bool wait_one(handle_view handle, short events, deadline until) {
  pollfd entry{handle.native(), events, 0};
  if (!poll_until({&entry, 1}, until)) return false;
  if ((entry.revents & POLLNVAL) != 0) {
    throw_system_error(EBADF, "wait for descriptor " + std::to_string(handle.native()));
  }
  return true;
}

}  // namespace

bool wait_readable(handle_view handle, deadline until) {
  return wait_one(handle, POLLIN, until);
}
bool wait_writable(handle_view handle, deadline until) {
  return wait_one(handle, POLLOUT, until);
}

bool hung_up(handle_view handle) {
  pollfd entry{handle.native(), 0, 0};
  return poll_until({&entry, 1}, deadline::immediately()) && (entry.revents & POLLHUP) != 0;
}

bool wait_any(std::span<awaited> handles, deadline until) {
  boost::container::small_vector<pollfd, 16> entries;  // few, mostly: without an allocation
  entries.reserve(handles.size());
  for (const awaited& each : handles) {
    if (!each.handle.valid()) throw_system_error(EBADF, "wait for a handle that is closed");
    entries.push_back({each.handle.native(), static_cast<short>(each.for_sending ? POLLOUT : POLLIN), 0});
  }
  const bool any = poll_until(entries, until);
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if ((entries[i].revents & POLLNVAL) != 0) {
      throw_system_error(EBADF, "wait for descriptor " + std::to_string(entries[i].fd));
    }
    handles[i].ready = entries[i].revents != 0;
  }
  return any;
}

bool retry_pause::operator()(deadline until) {
  if (until.expired()) return false;
  const deadline awake = deadline::after(std::chrono::milliseconds(milliseconds_));
  milliseconds_ = std::min(milliseconds_ * 2, 50);
  poll_until({}, awake.remaining() < until.remaining() ? awake : until);
  return true;
}

}  // namespace ferry::os
