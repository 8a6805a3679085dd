// SPDX-License-Identifier: BSL-1.0
// Sets of handles by epoll.
#include "os/wait_set.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"

#include <string>
#include <sys/epoll.h>

namespace ferry::os {

wait_set::wait_set() : set_(above_streams(calls().epoll_create1(EPOLL_CLOEXEC))) {
  if (!set_.valid()) throw_system_error("create a set of descriptors to wait for");
}

namespace {

int enter(handle_view set, int operation, handle_view handle, bool heeded) noexcept {
  epoll_event event{};
  event.events = heeded ? EPOLLIN : 0U;
  return calls().epoll_ctl(set.native(), operation, handle.native(), &event);
}

}  // namespace

void wait_set::add(handle_view handle) {
  if (enter(set_, EPOLL_CTL_ADD, handle, true) != 0) {
    throw_system_error("wait for descriptor " + std::to_string(handle.native()));
  }
}

void wait_set::remove(handle_view handle) noexcept {
  enter(set_, EPOLL_CTL_DEL, handle, false);
}

void wait_set::heed(handle_view handle, bool heeded) noexcept {
  enter(set_, EPOLL_CTL_MOD, handle, heeded);
}

}  // namespace ferry::os
