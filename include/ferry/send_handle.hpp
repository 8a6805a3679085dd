// SPDX-License-Identifier: BSL-1.0
// Handles exchanged with Python programs.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/handle.hpp>

namespace ferry {

/// Whether the receiver says that it has the handle: CPython does from 3.14 on, on every platform, and does
/// not before that. Nothing in the bytes tells which of them the peer is.
enum class handle_receipt {
  none,      ///< CPython up to 3.13, and versions of Ferry
  expected,  ///< CPython from 3.14 on
  /// Sending: whatever the peer is, a receipt is taken notice of when something is received next. Receiving:
  /// one is given to a peer that has given one on this connection before. A CPython from 3.14 on that sends a
  /// handle before it has received any waits for `expected`.
  automatic,
};

/// Sends one handle as CPython's `multiprocessing.reduction.send_handle` does, for `recv_handle` there: one
/// byte with the handle on it, not a frame. Between programs of Ferry a handle is sent like any value. Blocks
/// until it is sent, and received if a receipt is expected.
/// @param through  a connection over a Unix stream socket, between messages
/// @throws transfer_error  when it is not such a connection; @throws end_of_stream
void send_handle(connection& through, handle_view what, handle_receipt receipt = handle_receipt::automatic);

/// Receives one handle from CPython's `multiprocessing.reduction.send_handle`. Blocks.
/// @param receipt  whether the sender expects one
/// @throws transfer_error  when something else came
/// @throws system_error  `std::errc::too_many_files_open`: the handle is lost, for lack of a descriptor
[[nodiscard]] unique_handle recv_handle(connection& through,
                                        handle_receipt receipt = handle_receipt::automatic);

}  // namespace ferry
