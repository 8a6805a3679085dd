// SPDX-License-Identifier: BSL-1.0
// The sort of a socket, by getsockopt(2).
#include "os/socket_kind.hpp"

#include "os/handle.hpp"

#include <string>
#include <sys/socket.h>

namespace ferry::os {
namespace {

std::int32_t option(handle_view handle, int which) {
  std::int32_t value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(handle.native(), SOL_SOCKET, which, &value, &size) != 0)
    throw_system_error("use descriptor " + std::to_string(handle.native()) + " as a socket");
  return value;
}

}  // namespace

socket_kind kind_of_socket(handle_view handle) {
  return {option(handle, SO_DOMAIN), option(handle, SO_TYPE), option(handle, SO_PROTOCOL)};
}

}  // namespace ferry::os
