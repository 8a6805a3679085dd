// SPDX-License-Identifier: BSL-1.0
// Parts and SCM_RIGHTS, and what becomes of a failed attempt to send.
#include "os/linux/ancillary.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <string>

namespace ferry::os {
namespace {

/// Puts `handles` on the message about to be sent; `control` must live as long as `header`.
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

}  // namespace

std::optional<std::size_t> send_parts(handle_view socket, gather parts, std::span<const handle_view> handles,
                                      deadline until) {
  part_vector vectors;
  control_block control;
  msghdr header{};
  header.msg_iov = vectors.data();
  header.msg_iovlen = fill(vectors, parts);
  attach(header, control, handles);
  const int flags = MSG_NOSIGNAL | (until.is_never() ? 0 : MSG_DONTWAIT);
  retry_pause pause;
  for (;;) {
    const ssize_t sent = calls().sendmsg(socket.native(), &header, flags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (!may_send_again(socket, errno, pause, until)) return std::nullopt;
  }
}

void collect(msghdr& header, std::vector<unique_handle>& handles) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<unique_handle, most_handles_per_call> owned;  // before anything can throw
    const std::span<unique_handle> came = std::span(owned).first(std::min(count, owned.size()));
    for (std::size_t i = 0; i < came.size(); ++i) {
      int native = -1;
      std::memcpy(&native, CMSG_DATA(each) + i * sizeof native, sizeof native);
      came[i] = unique_handle(native);
    }
    try {
      for (unique_handle& handle : came) {
        handle = unique_handle(above_streams(handle.release()));
        if (!handle.valid()) throw_system_error("take a handle that came with a message");
      }
      handles.reserve(handles.size() + came.size());
    } catch (...) {
      for (unique_handle& handle : came) discard(std::move(handle));
      throw;
    }
    std::move(came.begin(), came.end(), std::back_inserter(handles));
  }
}

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

}  // namespace ferry::os
