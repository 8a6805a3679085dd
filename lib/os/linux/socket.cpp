// Socket pairs and packets with SCM_RIGHTS.
#include "os/socket.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"
#include "os/wait.hpp"

#include <gsl/assert>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/stat.h>

namespace ferry::os {
namespace {

constexpr std::size_t most_parts = 4;

template <class Byte>
std::size_t fill(std::array<iovec, most_parts>& vectors, std::span<const std::span<Byte>> parts) {
  Expects(parts.size() <= most_parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
  }
  return parts.size();
}

/// Room for the handles of one call.
struct control_block {
  alignas(cmsghdr) char bytes[CMSG_SPACE(most_handles_per_call * sizeof(int))];
};

void attach(msghdr& header, control_block& control, std::span<const handle_view> handles) {
  if (handles.empty()) return;
  Expects(handles.size() <= most_handles_per_call);
  header.msg_control = control.bytes;
  header.msg_controllen = CMSG_SPACE(handles.size() * sizeof(int));
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(handles.size() * sizeof(int));
  unsigned char* at = CMSG_DATA(rights);
  for (const handle_view handle : handles) {
    const int native = handle.native();
    std::memcpy(at, &native, sizeof native);
    at += sizeof native;
  }
}

void collect(msghdr& header, std::vector<unique_handle>& handles) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<unique_handle, most_handles_per_call> owned;  // before anything can throw
    for (std::size_t i = 0; i < count && i < owned.size(); ++i) {
      int native = -1;
      std::memcpy(&native, CMSG_DATA(each) + i * sizeof native, sizeof native);
      owned[i] = unique_handle(native);
    }
    handles.insert(handles.end(), std::make_move_iterator(owned.begin()),
                   std::make_move_iterator(owned.begin() + static_cast<std::ptrdiff_t>(count)));
  }
}

/// What a failed attempt to send comes to: try again, or give up because time is over. Throws the rest.
bool may_send_again(handle_view socket, int code, retry_pause& pause, deadline until) {
  switch (code) {
    case EINTR:
      return true;
    case EAGAIN:
      return wait_writable(socket, until);
    case ETOOMANYREFS:
      return pause(until);
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      throw end_of_stream("the other end of the connection is closed: nothing can be sent");
    default:
      throw_system_error(code, "send on descriptor " + std::to_string(socket.native()));
  }
}

handle_pair socket_pair(int type, const char* what) {
  std::array<int, 2> ends{};
  if (calls().socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_system_error(what);
  return {unique_handle(ends[0]), unique_handle(ends[1])};
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
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("create a pipe");
  return {unique_handle(ends[0]), unique_handle(ends[1])};
}

void shut_down(handle_view socket, direction which) {
  if (::shutdown(socket.native(), which == direction::sending ? SHUT_WR : SHUT_RD) != 0 &&
      errno != ENOTCONN) {
    throw_system_error("end one direction of descriptor " + std::to_string(socket.native()));
  }
}

bool send_packet(handle_view socket, gather parts, std::span<const handle_view> handles, deadline until) {
  std::array<iovec, most_parts> vectors;
  control_block control;
  msghdr header{};
  header.msg_iov = vectors.data();
  header.msg_iovlen = fill(vectors, parts);
  attach(header, control, handles);
  const int flags = MSG_NOSIGNAL | (until.is_never() ? 0 : MSG_DONTWAIT);
  retry_pause pause;
  while (calls().sendmsg(socket.native(), &header, flags) < 0) {
    if (!may_send_again(socket, errno, pause, until)) return false;
  }
  return true;
}

std::optional<arrival> receive_packet(handle_view socket, scatter parts, std::vector<unique_handle>& handles,
                                      deadline until) {
  std::array<iovec, most_parts> vectors;
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

}  // namespace ferry::os
