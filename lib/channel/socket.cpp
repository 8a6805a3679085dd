// Sockets as values.
#include <ferry/socket.hpp>

#include "os/socket_kind.hpp"

namespace ferry {

socket socket::adopt(unique_handle handle) {
  const socket_kind kind = os::kind_of_socket(handle);
  return {std::move(handle), kind};
}

}  // namespace ferry
