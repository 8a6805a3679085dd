// SPDX-License-Identifier: BSL-1.0
// Reducer of sockets, which cross as their handle, and are checked on arrival.
#include <ferry/error.hpp>
#include <ferry/socket.hpp>

#include <string>

namespace ferry {
namespace {

std::string text(const socket_kind& kind) {
  return "family " + std::to_string(kind.family) + ", type " + std::to_string(kind.type) + ", protocol " +
         std::to_string(kind.protocol);
}

}  // namespace

std::tuple<handle_view, std::int32_t, std::int32_t, std::int32_t> reducer<socket>::reduce(
    const socket& open_socket) {
  const socket_kind& kind = open_socket.kind();
  return {handle_view(open_socket.native_handle()), kind.family, kind.type, kind.protocol};
}

socket reducer<socket>::rebuild(unique_handle handle, std::int32_t family, std::int32_t type,
                                std::int32_t protocol) {
  const socket_kind announced{family, type, protocol};
  const auto adopted = [&handle] {
    try {
      return socket::adopt(std::move(handle));
    } catch (const system_error& problem) {
      throw archive_error("a handle arrived as a socket and is not one (" + std::string(problem.what()) +
                          "): its message is damaged, or the sender wrote another handle");
    }
  };
  socket received = adopted();
  if (received.kind() != announced)
    throw archive_error("received socket is of " + text(received.kind()) + ", announced was " +
                        text(announced));
  return received;
}

}  // namespace ferry
