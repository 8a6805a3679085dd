// A handle that is readable or not: eventfd(2).
#include "os/event_handle.hpp"

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/eventfd.h>

namespace ferry::os {

unique_handle create_event_handle() {
  unique_handle event(calls().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) throw_system_error("create an event to wait for");
  return event;
}

bool is_event_handle(handle_view handle) noexcept {
  const std::string path = "/proc/self/fd/" + std::to_string(handle.native());
  std::array<char, 64> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size > 0 &&
         std::string_view(target.data(), static_cast<std::size_t>(size)) == "anon_inode:[eventfd]" &&
         (::fcntl(handle.native(), F_GETFL) & O_NONBLOCK) != 0;
}

void raise_event(handle_view handle) noexcept {
  const std::uint64_t one = 1;
  // It fails when it has been raised 2^64 - 2 times, and then it is readable.
  while (::write(handle.native(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void clear_event(handle_view handle) noexcept {
  std::uint64_t count = 0;
  while (::read(handle.native(), &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace ferry::os
