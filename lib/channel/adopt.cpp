// SPDX-License-Identifier: BSL-1.0
// The choice among all drivers.
#include "channel/adopt.hpp"

#include "channel/local_driver.hpp"
#include "channel/stream_driver.hpp"
#include "os/socket.hpp"

namespace ferry::channel {

std::unique_ptr<driver> adopt(unique_handle handle) {
  const os::endpoint kind = os::classify(handle);
  if (kind == os::endpoint::packet_socket) return make_local_driver(std::move(handle));
  return make_stream_driver(std::move(handle), kind);
}

}  // namespace ferry::channel
