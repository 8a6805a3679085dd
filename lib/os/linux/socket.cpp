// SPDX-License-Identifier: BSL-1.0
// Socket pairs, what a handle is, and packets.
#include "os/socket.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/ancillary.hpp"
#include "os/linux/system_calls.hpp"
#include "os/wait.hpp"

#include <gsl/assert>
#include <gsl/narrow>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace ferry::os {
namespace {

handle_pair own(std::array<int, 2> ends, const char* what) {
  std::array<unique_handle, 2> owned{unique_handle(ends[0]), unique_handle(ends[1])};
  for (unique_handle& end : owned) {
    end = unique_handle(above_streams(end.release()));
    if (!end.valid()) throw_system_error(what);
  }
  return {std::move(owned[0]), std::move(owned[1])};
}

handle_pair socket_pair(int type, const char* what) {
  std::array<int, 2> ends{};
  if (calls().socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_system_error(what);
  return own(ends, what);
}

}  // namespace

endpoint classify(handle_view handle) {
  const std::string name = "descriptor " + std::to_string(handle.native());
  struct stat status {};
  if (::fstat(handle.native(), &status) != 0) throw_system_error("use " + name + " as a connection");
  if (S_ISFIFO(status.st_mode)) return endpoint::pipe;
  int type = 0, domain = 0;
  socklen_t size = sizeof type;
  if (S_ISSOCK(status.st_mode) && ::getsockopt(handle.native(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
      ::getsockopt(handle.native(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0) {
    if (type == SOCK_SEQPACKET && domain == AF_UNIX) return endpoint::packet_socket;
    if (type == SOCK_STREAM) return domain == AF_UNIX ? endpoint::local_stream : endpoint::network_stream;
  }
  throw_system_error(EINVAL,
                     "use " + name +
                         " as a connection: only pipes, stream sockets and local packet sockets carry "
                         "messages");
}

handle_pair packet_socket_pair() {
  return socket_pair(SOCK_SEQPACKET, "create a pair of packet sockets");
}
handle_pair stream_socket_pair() {
  return socket_pair(SOCK_STREAM, "create a pair of stream sockets");
}

handle_pair plain_pipe() {
  std::array<int, 2> ends{};
  constexpr const char* what = "create a pipe";
  if (calls().pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error(what);
  return own(ends, what);
}

void shut_down(handle_view socket, direction which) {
  const int how = which == direction::both ? SHUT_RDWR : which == direction::sending ? SHUT_WR : SHUT_RD;
  if (::shutdown(socket.native(), how) != 0 && errno != ENOTCONN) {
    throw_system_error("shut down descriptor " + std::to_string(socket.native()));
  }
}

void limit_receiving_sleep(handle_view socket, std::chrono::milliseconds longest) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
  timeval time{};
  time.tv_sec = seconds.count();
  time.tv_usec = std::chrono::microseconds(longest - seconds).count();
  if (::setsockopt(socket.native(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
    throw_system_error("limit how long a call receives on descriptor " + std::to_string(socket.native()));
  }
}

namespace {

bool peer_has_finished(handle_view socket) {
  pollfd entry{socket.native(), POLLRDHUP, 0};
  while (calls().poll(&entry, 1, 0) < 0) {
    if (errno != EINTR) throw_system_error("look at descriptor " + std::to_string(socket.native()));
  }
  return (entry.revents & (POLLRDHUP | POLLHUP)) != 0;
}

}  // namespace

bool holds_packet(handle_view socket) {
  int bytes = 0;
  if (::ioctl(socket.native(), FIONREAD, &bytes) != 0) {
    throw_system_error("look what there is to receive on descriptor " + std::to_string(socket.native()));
  }
  return bytes != 0;
}

bool was_closed_unread(handle_view socket) noexcept {
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(socket.native(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == ECONNRESET;
}

bool at_end(handle_view socket) {
  // In this order: when no process can send any longer, what was sent is there.
  return peer_has_finished(socket) && !holds_packet(socket);
}

namespace {

/// A plain call saves the kernel the reading of a message header, which a small packet notices.
bool send_block(handle_view socket, std::span<const std::byte> block, deadline until) {
  const int flags = MSG_NOSIGNAL | (until.is_never() ? 0 : MSG_DONTWAIT);
  retry_pause pause;
  while (calls().send(socket.native(), block.data(), block.size(), flags) < 0) {
    if (!may_send_again(socket, errno, pause, until)) return false;
  }
  return true;
}

}  // namespace

bool send_packet(handle_view socket, gather parts, std::span<const handle_view> handles, deadline until) {
  if (parts.size() == 1 && handles.empty()) return send_block(socket, parts.front(), until);
  return send_parts(socket, parts, handles, until).has_value();
}

std::optional<arrival> receive_packet(handle_view socket, scatter parts, std::vector<unique_handle>& handles,
                                      deadline until) {
  part_vector vectors;
  control_block control;
  msghdr header{};
  const std::size_t part_count = fill(vectors, parts);
  const int flags = MSG_CMSG_CLOEXEC | (until.is_never() ? 0 : MSG_DONTWAIT);
  for (;;) {
    header.msg_iov = vectors.data();
    header.msg_iovlen = part_count;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    const ssize_t got = calls().recvmsg(socket.native(), &header, flags);
    if (got >= 0) {
      collect(header, handles);
      return arrival{static_cast<std::size_t>(got), (header.msg_flags & MSG_TRUNC) != 0,
                     (header.msg_flags & MSG_CTRUNC) != 0};
    }
    switch (errno) {
      case EINTR:
        break;
      // Linux reports once that the peer went without reading everything. What it had sent is still there.
      case ECONNRESET:
        break;
      case EAGAIN:
        if (!wait_readable(socket, until)) return std::nullopt;
        break;
      default:
        throw_system_error("receive on descriptor " + std::to_string(socket.native()));
    }
  }
}

namespace {

/// @returns the number of bytes; nothing when there is no packet
std::optional<std::size_t> receive_now(handle_view socket, msghdr& header, int flags) {
  const auto room = header.msg_controllen;
  for (;;) {
    header.msg_controllen = room;
    const ssize_t got = calls().recvmsg(socket.native(), &header, flags | MSG_DONTWAIT);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) {
      received_handles of_nothing;
      collect(header, of_nothing.list);
      // A packet without bytes is passed over: taken, or looked at for the last time.
      const bool ended = peer_has_finished(socket);
      if (!ended || ((flags & MSG_PEEK) == 0 && holds_packet(socket))) continue;
      return std::nullopt;
    }
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR && errno != ECONNRESET)
      throw_system_error("look at what there is to receive on descriptor " + std::to_string(socket.native()));
  }
}

}  // namespace

std::optional<std::size_t> peek_packet(handle_view socket, std::span<std::byte> into) {
  iovec part{into.data(), into.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  return receive_now(socket, header, MSG_PEEK);
}

bool peek_handles(handle_view socket, std::vector<unique_handle>& handles) {
  std::byte ignored{};
  iovec part{&ignored, 1};
  control_block control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  if (!receive_now(socket, header, MSG_PEEK | MSG_CMSG_CLOEXEC)) return true;
  collect(header, handles);
  return (header.msg_flags & MSG_CTRUNC) == 0;
}

void peek_one_after_the_other(handle_view socket, std::size_t skip) {
  const int first = gsl::narrow<int>(skip);
  if (::setsockopt(socket.native(), SOL_SOCKET, SO_PEEK_OFF, &first, sizeof first) != 0)
    throw_system_error("look at what there is to receive on descriptor " + std::to_string(socket.native()));
}

bool drop_packet(handle_view socket) {
  std::byte ignored{};
  iovec part{&ignored, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  return receive_now(socket, header, 0).has_value();
}

}  // namespace ferry::os
