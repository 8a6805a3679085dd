// CPython's protocol for single handles (Lib/multiprocessing/reduction.py: sendfds, recvfds).
#include <ferry/error.hpp>
#include <ferry/send_handle.hpp>

#include "os/byte_stream.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

namespace ferry {
namespace {

constexpr std::byte one_handle{1};
constexpr std::byte receipt_byte{'A'};

handle_view socket_of(connection& through) {
  const handle_view socket(through.native_handle());
  if (os::classify(socket) != os::endpoint::local_stream) {
    throw transfer_error(
        "single handles are exchanged over Unix stream sockets: send the handle as a value instead");
  }
  return socket;
}

void send_byte(handle_view socket, std::byte value, std::span<const handle_view> handles) {
  const std::array part{std::span<const std::byte>(&value, 1)};
  os::send_some(socket, os::endpoint::local_stream, part, handles, deadline::never());
}

std::byte receive_byte(handle_view socket, std::vector<unique_handle>& handles) {
  std::byte value{};
  const auto got =
      os::receive_some(socket, os::endpoint::local_stream, {&value, 1}, handles, deadline::never());
  if (got->bytes == 0) throw end_of_stream("the other end of the connection is closed");
  if (got->handles_lost) os::throw_system_error(EMFILE, "receive a handle");
  return value;
}

}  // namespace

void send_handle(connection& through, handle_view what, handle_receipt receipt) {
  const handle_view socket = socket_of(through);
  through.flush();
  send_byte(socket, one_handle, {&what, 1});
  std::vector<unique_handle> none;
  if (receipt == handle_receipt::expected && receive_byte(socket, none) != receipt_byte) {
    throw transfer_error("the receiver of a handle said something else than that it has it");
  }
}

unique_handle recv_handle(connection& through, handle_receipt receipt) {
  const handle_view socket = socket_of(through);
  std::vector<unique_handle> handles;
  const std::byte count = receive_byte(socket, handles);
  if (receipt == handle_receipt::expected) send_byte(socket, receipt_byte, {});
  if (count != one_handle || handles.size() != 1) {
    throw transfer_error("one handle was expected, but " + std::to_string(handles.size()) +
                         " came with the byte " + std::to_string(std::to_integer<int>(count)));
  }
  return std::move(handles.front());
}

}  // namespace ferry
