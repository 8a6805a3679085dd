// Sets of handles by epoll.
#include "os/wait_set.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"

#include <string>
#include <sys/epoll.h>

namespace ferry::os {

wait_set::wait_set() : set_(above_streams(::epoll_create1(EPOLL_CLOEXEC))) {
  if (!set_.valid()) throw_system_error("create a set of descriptors to wait for");
}

void wait_set::add(handle_view handle) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(set_.native(), EPOLL_CTL_ADD, handle.native(), &event) != 0) {
    throw_system_error("wait for descriptor " + std::to_string(handle.native()));
  }
}

void wait_set::remove(handle_view handle) noexcept {
  ::epoll_ctl(set_.native(), EPOLL_CTL_DEL, handle.native(), nullptr);
}

}  // namespace ferry::os
