// SPDX-License-Identifier: BSL-1.0
// The forkserver: a copy of the program that never comes to its main function, and forks children on request.
#pragma once

#include <ferry/handle.hpp>

#include "os/process.hpp"
#include "os/socket.hpp"

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// One packet from the client: this, and behind it the child's start message, unless that is too large. The
/// handles on it: where to report, the child's channel, its lifeline if it has one, and those of the message.
///
/// The server reads the message before it forks, up to what the callable takes: each page that a child is the
/// first to touch is what starts cost, and the server has touched them already. The child begins when there
/// is a message on its channel, whatever it says, for then its client knows of it. A start message that is
/// too large to come along is that message.
struct fork_request {
  static constexpr std::uint32_t expected_magic = 0x66726b32;  // "frk2"
  /// Of a packet that has nothing else in it: no further children are to be forked. The server goes with the
  /// last that it has, and forks none for any process that still has its socket.
  static constexpr std::uint32_t retire_magic = 0x72746972;          // "rtir"
  static constexpr std::size_t most_bytes = std::size_t{64} << 10U;  ///< of a start message that comes along
  /// Of it, beside the three others.
  static constexpr std::size_t most_handles = os::most_handles_per_call - 3;
  std::uint32_t magic = expected_magic;
  std::uint32_t has_lifeline = 0;
  std::uint32_t start_size = 0;  ///< 0: the start message is to come over the channel
  std::uint32_t start_handles = 0;
};

/// The first report on a request: this with a handle of the child, or with an `error` and a text behind it
/// that says what went wrong.
struct fork_reply {
  static constexpr std::size_t most_text = 400;  ///< bytes
  static constexpr std::int32_t refused = -1;
  std::int32_t error = 0;  ///< an error number of the system, or `refused`
  std::int32_t unused = 0;
  std::int64_t id = 0;
};

/// The second and last report: `os::ending`, as it is.

/// Serves until all clients are gone. In a forked child it does not return.
void serve_forks(unique_handle clients);

}  // namespace ferry::detail
