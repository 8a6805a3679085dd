// The one place that knows all drivers.
#include "channel/adopt.hpp"

#include <ferry/error.hpp>

#include "channel/local_driver.hpp"
#include "os/socket.hpp"

namespace ferry::channel {

std::unique_ptr<driver> adopt(unique_handle handle) {
  switch (os::classify(handle)) {
    case os::endpoint::packet_socket:
      return make_local_driver(std::move(handle));
    default:
      throw transfer_error("no stream");
  }
}

}  // namespace ferry::channel
