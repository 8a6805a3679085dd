// SPDX-License-Identifier: BSL-1.0
// The driver of byte streams: stream sockets and plain pipes.
#pragma once

#include <ferry/driver.hpp>

#include "os/socket.hpp"

#include <memory>

namespace ferry::channel {

/// A driver that frames messages as CPython does (frame.hpp), so that an unmodified Python program is a peer.
/// Over a Unix socket the handles of a message ride on the first byte of its frame, and their count is in the
/// message's envelope. Over a plain pipe they are offered, for the receiver to take from this process; over a
/// network they cannot go.
///
/// It never reads beyond the frame at hand: another process that shares the end takes the next one, and
/// `wait_handle` tells the truth. A frame that is not complete at the deadline is continued by the next call.
/// @param kind  any but a packet socket
std::unique_ptr<driver> make_stream_driver(unique_handle stream, os::endpoint kind);

class receipts;
/// For streams on which CPython's way to send single handles is used; null for all other drivers.
receipts* receipts_of(driver& any) noexcept;

}  // namespace ferry::channel
