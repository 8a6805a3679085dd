// Handles exchanged with Python programs.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/handle.hpp>

namespace ferry {

/// Whether the receiver says that it has the handle: CPython does since 3.14, on every platform.
enum class handle_receipt { none, expected };

/// Sends one handle as CPython's `multiprocessing.reduction.send_handle` does, for `recv_handle` there: one
/// byte with the handle on it, not a frame. Between programs of Ferry a handle is sent like any value. Blocks
/// until it is sent, and received if a receipt is expected.
/// @param through  a connection over a Unix stream socket, between messages
/// @throws transfer_error  when it is none; @throws end_of_stream
void send_handle(connection& through, handle_view what, handle_receipt receipt = handle_receipt::none);

/// Receives one handle from CPython's `multiprocessing.reduction.send_handle`. Blocks.
/// @param receipt  whether the sender expects one
/// @throws transfer_error  when something else came
/// @throws system_error  EMFILE: the handle is lost, for want of a descriptor
[[nodiscard]] unique_handle recv_handle(connection& through, handle_receipt receipt = handle_receipt::none);

}  // namespace ferry
