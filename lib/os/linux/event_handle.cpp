// SPDX-License-Identifier: BSL-1.0
// A handle that is readable or not: eventfd(2).
#include "os/event_handle.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"

#include <cerrno>
#include <cstdint>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>

namespace ferry::os {

unique_handle create_event_handle() {
  unique_handle event(above_streams(calls().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (!event.valid()) throw_system_error("create an event to wait for");
  return event;
}

// By what it does, which /proc need not show. It is the only one among the objects without a file system that
// takes a number: nothing is added to what it has.
bool is_event_handle(handle_view handle) noexcept {
  struct statfs lives_in {};
  if (::fstatfs(handle.native(), &lives_in) != 0 || lives_in.f_type != ANON_INODE_FS_MAGIC) return false;
  const int flags = ::fcntl(handle.native(), F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) == 0 || (flags & O_PATH) != 0) return false;
  const std::uint64_t none = 0;
  ssize_t taken = 0;
  do taken = ::write(handle.native(), &none, sizeof none);
  while (taken < 0 && errno == EINTR);
  return taken == sizeof none || (taken < 0 && errno == EAGAIN);
}

void raise_event(handle_view handle) noexcept {
  const std::uint64_t one = 1;
  // It fails when it has been raised 2^64 - 2 times, and then it is readable.
  while (::write(handle.native(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

// Another process that has the event may have made it one that lets readers wait.
void clear_event(handle_view handle) noexcept {
  std::uint64_t count = 0;
  const iovec into{&count, sizeof count};
  while (::preadv2(handle.native(), &into, 1, -1, RWF_NOWAIT) < 0) {
    if (errno == EINTR) continue;
    if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) return;
    while (::read(handle.native(), &count, sizeof count) < 0 && errno == EINTR) {
    }
    return;
  }
}

}  // namespace ferry::os
