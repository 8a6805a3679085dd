// SPDX-License-Identifier: BSL-1.0
// Frames of messages in a byte stream: CPython's framing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ferry::detail {

/// What goes before the bytes of a message in a stream, as CPython's `Connection._send_bytes` has it: the
/// length as a 32-bit number, most significant byte first; above 0x7fffffff the bytes ff ff ff ff and the
/// length as a 64-bit number.
class frame_header {
 public:
  /// Length of the first part, which tells whether there is a second.
  static constexpr std::size_t short_size = 4, long_size = 12;

  explicit frame_header(std::uint64_t length) noexcept;
  std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, long_size> bytes_{};
  std::size_t size_;
};

/// Number of bytes that the header which begins with these has, once the first four are known.
std::size_t header_size(std::span<const std::byte, frame_header::short_size> start) noexcept;

/// The length in a complete header.
/// @returns nothing when it is negative, which no writer of frames sends
std::optional<std::uint64_t> frame_length(std::span<const std::byte> header) noexcept;

}  // namespace ferry::detail
