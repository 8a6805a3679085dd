// SPDX-License-Identifier: BSL-1.0
// Sockets as values.
#include <ferry/socket.hpp>

#include "os/handle.hpp"
#include "os/socket_kind.hpp"

namespace ferry {

socket socket::adopt(unique_handle handle) {
  const socket_kind kind = os::kind_of_socket(handle);
  return {std::move(handle), kind};
}

socket socket::duplicate() const {
  return {ferry::duplicate(held()), kind_};
}

}  // namespace ferry
