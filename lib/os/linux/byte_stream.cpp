// SPDX-License-Identifier: BSL-1.0
// Streams by sendmsg and recvmsg, plain pipes by writev and read.
#include "os/byte_stream.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/ancillary.hpp"
#include "os/linux/held_signals.hpp"
#include "os/linux/system_calls.hpp"
#include "os/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace ferry::os {
namespace {

/// Shortens what is to be written to `most` bytes. @returns how many vectors are left
std::size_t clip(part_vector& vectors, std::size_t count, std::size_t most) {
  for (std::size_t i = 0; i < count; ++i) {
    if (vectors[i].iov_len >= most) {
      vectors[i].iov_len = most;
      return i + 1;
    }
    most -= vectors[i].iov_len;
  }
  return count;
}

ssize_t write_to_pipe(handle_view pipe, const part_vector& vectors, std::size_t count) {
  held_signals held;  // a pipe has no MSG_NOSIGNAL
  const ssize_t sent = calls().writev(pipe.native(), vectors.data(), static_cast<int>(count));
  if (sent < 0) held.failed_with(errno);
  return sent;
}

std::size_t send_to_pipe(handle_view pipe, gather parts, deadline until) {
  part_vector vectors;
  std::size_t count = fill(vectors, parts);
  // There is no call for a pipe that does not block. But one that polls as writable takes PIPE_BUF bytes at
  // once.
  if (!until.is_never()) count = clip(vectors, count, PIPE_BUF);
  retry_pause pause;
  for (;;) {
    if (!until.is_never() && !wait_writable(pipe, until)) return 0;
    const ssize_t sent = write_to_pipe(pipe, vectors, count);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (!may_send_again(pipe, errno, pause, until)) return 0;
  }
}

std::optional<arrival> receive_from_pipe(handle_view pipe, std::span<std::byte> into, deadline until) {
  for (;;) {
    if (!until.is_never() && !wait_readable(pipe, until)) return std::nullopt;
    const ssize_t got = calls().read(pipe.native(), into.data(), into.size());
    if (got >= 0) return arrival{static_cast<std::size_t>(got)};
    if (errno == EAGAIN && !wait_readable(pipe, until)) return std::nullopt;
    if (errno != EINTR && errno != EAGAIN) {
      throw_system_error("receive on descriptor " + std::to_string(pipe.native()));
    }
  }
}

}  // namespace

std::size_t send_some(handle_view stream, endpoint kind, gather parts, std::span<const handle_view> handles,
                      deadline until) {
  if (kind == endpoint::pipe) return send_to_pipe(stream, parts, until);
  return send_parts(stream, parts, handles, until).value_or(0);
}

std::optional<arrival> receive_some(handle_view stream, endpoint kind, std::span<std::byte> into,
                                    std::vector<unique_handle>& handles, deadline until) {
  if (kind == endpoint::pipe) return receive_from_pipe(stream, into, until);
  const std::span<std::byte> parts[] = {into};
  return receive_packet(stream, parts, handles, until);
}

}  // namespace ferry::os
