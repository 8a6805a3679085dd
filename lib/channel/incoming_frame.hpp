// SPDX-License-Identifier: BSL-1.0
// The receiving half of a stream.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include "archive/frame.hpp"
#include "channel/receipts.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace ferry::channel {

/// Reads frames from a stream, one after the other, and keeps what it has of a frame when time is over.
/// Memory is asked for as bytes arrive, so a length is believed only as far as it has been paid for. Not
/// thread-safe.
class incoming_frame {
 public:
  /// @param stream  borrowed
  /// @param between  what may come between frames; borrowed
  incoming_frame(handle_view stream, os::endpoint kind, receipts& between) noexcept
      : stream_(stream), kind_(kind), between_(between) {}

  /// @returns nothing when `until` passed
  /// @throws end_of_stream, truncated_message
  /// @throws limit_exceeded  the frame is too long; the next call reads past it first. Or it has too many
  ///                         handles, which were closed as they came
  /// @throws system_error  `std::errc::too_many_files_open`: handles of this frame were lost; the next can be
  /// read
  /// @throws archive_error  what came is not a frame, or not the handles that its envelope announces. In the
  ///                        first case there is no telling where the next begins, and every call throws this
  std::optional<message> receive(const limits& limit, deadline until);

  /// Whether part of a frame has been read.
  bool begun() const noexcept { return header_got_ != 0 || to_skip_ != 0; }

 private:
  bool read_header(std::size_t most_handles, deadline until);
  bool read_body(std::size_t most_handles, deadline until);
  bool skip_body(deadline until);
  void drop_receipts() noexcept;
  std::size_t pull(std::span<std::byte> into, std::size_t most_handles, deadline until);
  void start_over() noexcept;

  handle_view stream_;
  os::endpoint kind_;
  receipts& between_;
  std::array<std::byte, detail::frame_header::long_size> header_{};
  std::size_t header_got_ = 0, header_size_ = detail::frame_header::short_size;
  std::uint64_t length_ = 0;  // of the body, once the header is complete
  buffer body_;
  os::received_handles handles_;
  std::size_t handles_came_ = 0;
  bool handles_lost_ = false;
  std::uint64_t to_skip_ = 0;  // bytes that are left of a frame that was refused
};

}  // namespace ferry::channel
