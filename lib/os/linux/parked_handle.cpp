// SPDX-License-Identifier: BSL-1.0
// Parked handles in SEQPACKET socket pairs (unix(7)): whole packets, taken by one reader each.
#include "os/parked_handle.hpp"

#include <ferry/deadline.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"
#include "os/socket.hpp"

#include <cerrno>
#include <cstring>
#include <span>

namespace ferry::os {
namespace {

ssize_t receive(handle_view socket, parking_token& token, msghdr& header, int flags) {
  iovec bytes{token.data(), token.size()};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  for (;;) {
    const ssize_t got = calls().recvmsg(socket.native(), &header, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got >= 0 || errno != EINTR) return got;
  }
}

// Without room for handles: a packet that is taken drops the one it carries, one that is looked at keeps it.
bool receive_token(handle_view socket, int flags) {
  parking_token token;
  msghdr header{};
  return receive(socket, token, header, flags) == static_cast<ssize_t>(token.size());
}

}  // namespace

unique_handle park_handle(handle_view content, const parking_token& token) {
  auto [reading, writing] = packet_socket_pair();
  const std::array<std::span<const std::byte>, 1> parts{token};
  send_packet(writing, parts, {&content, 1}, deadline::never());
  return std::move(reading);
}

std::optional<parked_content> peek_parked(handle_view socket) {
  // Anything may stand under a number that came from elsewhere; only a packet socket can be looked at.
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.native(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
    return std::nullopt;

  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  parked_content found;
  const ssize_t got = receive(socket, found.token, header, MSG_PEEK);
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
      rights->cmsg_len == CMSG_LEN(sizeof(int))) {
    int native = -1;
    std::memcpy(&native, CMSG_DATA(rights), sizeof native);
    found.handle = unique_handle(above_streams(native));
    if (!found.handle.valid()) throw_system_error("take an offered handle");
  }
  if (got != static_cast<ssize_t>(found.token.size())) return std::nullopt;
  if (!found.handle.valid() && (header.msg_flags & MSG_CTRUNC) != 0)
    throw_system_error(EMFILE, "take an offered handle");
  if (!found.handle.valid() || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
  return found;
}

bool is_parked(handle_view socket) {
  return receive_token(socket, MSG_PEEK);
}

bool claim_parked(handle_view socket) {
  return receive_token(socket, 0);
}

}  // namespace ferry::os
