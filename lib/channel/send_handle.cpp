// SPDX-License-Identifier: BSL-1.0
// CPython's protocol for single handles (Lib/multiprocessing/reduction.py: sendfds, recvfds).
#include <ferry/driver.hpp>
#include <ferry/error.hpp>
#include <ferry/send_handle.hpp>

#include "channel/receipts.hpp"
#include "channel/stream_driver.hpp"
#include "os/byte_stream.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"

#include <array>
#include <string>
#include <system_error>

namespace ferry {
namespace {

constexpr std::byte one_handle{1};

channel::receipts& receipts_of(connection& through) {
  channel::receipts* const found = channel::receipts_of(through.carrier());
  if (found == nullptr) {
    throw transfer_error(
        "single handles are exchanged over Unix stream sockets: send the handle as a value instead");
  }
  return *found;
}

void send_byte(handle_view socket, std::byte value, std::span<const handle_view> handles) {
  const std::array part{std::span<const std::byte>(&value, 1)};
  os::send_some(socket, os::endpoint::local_stream, part, handles, deadline::never());
}

std::byte receive_byte(handle_view socket, os::received_handles& handles) {
  std::byte value{};
  const auto got =
      os::receive_some(socket, os::endpoint::local_stream, {&value, 1}, handles.list, deadline::never());
  if (got->bytes == 0) throw end_of_stream("the other end of the connection is closed");
  if (got->handles_lost) os::throw_system_error(std::errc::too_many_files_open, "receive a handle");
  return value;
}

}  // namespace

void send_handle(connection& through, handle_view what, handle_receipt receipt) {
  channel::receipts& receipts = receipts_of(through);
  const handle_view socket(through.native_handle());
  through.flush();
  if (receipt == handle_receipt::automatic) receipts.await_one();
  send_byte(socket, one_handle, {&what, 1});
  os::received_handles none;
  if (receipt == handle_receipt::expected && receive_byte(socket, none) != channel::receipts::byte) {
    throw transfer_error("the receiver of a handle said something else than that it has it");
  }
}

unique_handle recv_handle(connection& through, handle_receipt receipt) {
  channel::receipts& receipts = receipts_of(through);
  const handle_view socket(through.native_handle());
  os::received_handles handles;
  std::byte count = receive_byte(socket, handles);
  while (handles.list.empty() && receipts.take(count)) count = receive_byte(socket, handles);
  const bool give =
      receipt == handle_receipt::automatic ? receipts.peer_gives_them() : receipt == handle_receipt::expected;
  if (give) send_byte(socket, channel::receipts::byte, {});
  if (count != one_handle || handles.list.size() != 1) {
    throw transfer_error("one handle was expected, but " + std::to_string(handles.list.size()) +
                         " came with the byte " + std::to_string(std::to_integer<int>(count)));
  }
  return std::move(handles.list.front());
}

}  // namespace ferry
