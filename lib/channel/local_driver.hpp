// SPDX-License-Identifier: BSL-1.0
// The driver of local connections: a packet socket, one message a packet.
#pragma once

#include <ferry/driver.hpp>

#include <memory>

namespace ferry::channel {

/// A driver over an AF_UNIX SOCK_SEQPACKET socket. The kernel keeps packets whole, so any number of threads
/// and processes may send and receive on either end at once, and one that dies leaves no half message.
std::unique_ptr<driver> make_local_driver(unique_handle socket);

}  // namespace ferry::channel
