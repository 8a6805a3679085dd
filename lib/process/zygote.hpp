// The forkserver: a copy of the program that never comes to its main function, and forks children on request.
#pragma once

#include <ferry/handle.hpp>

#include "os/process.hpp"

#include <cstdint>

namespace ferry::detail {

/// One packet from the client, with the handles: where to report, the child's channel, and its lifeline if it
/// has one.
struct fork_request {
  static constexpr std::uint32_t expected_magic = 0x66726b31;  // "frk1"
  std::uint32_t magic = expected_magic;
  std::uint32_t has_lifeline = 0;
};

/// The first report on a request. When `error` is 0 a handle of the child comes with it.
struct fork_reply {
  std::int32_t error = 0;  ///< an error number of the system, or one of the below
  std::int32_t unused = 0;
  std::int64_t id = 0;

  static constexpr std::int32_t has_threads = -1;  ///< the program starts threads before main
};

/// The second and last report: `os::ending`, as it is.

/// Serves until all clients are gone, then exits. In a forked child it does not return either.
[[noreturn]] void serve_forks(unique_handle clients);

}  // namespace ferry::detail
