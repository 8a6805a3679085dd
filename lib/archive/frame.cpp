// SPDX-License-Identifier: BSL-1.0
// Big-endian lengths of frames.
#include "archive/frame.hpp"

#include <algorithm>

namespace ferry::detail {
namespace {

constexpr std::uint64_t longest_short = 0x7fffffff;
constexpr std::byte all_ones{0xff};

void write_number(std::span<std::byte> into, std::uint64_t number) noexcept {
  for (std::size_t i = into.size(); i-- > 0; number >>= 8U) into[i] = static_cast<std::byte>(number & 0xffU);
}

std::uint64_t read_number(std::span<const std::byte> from) noexcept {
  std::uint64_t number = 0;
  for (const std::byte each : from) number = number << 8U | std::to_integer<std::uint64_t>(each);
  return number;
}

}  // namespace

frame_header::frame_header(std::uint64_t length) noexcept
    : size_(length <= longest_short ? short_size : long_size) {
  if (size_ == long_size) std::fill_n(bytes_.begin(), short_size, all_ones);
  const std::size_t number_at = size_ == long_size ? short_size : 0;
  write_number(std::span(bytes_).subspan(number_at, size_ - number_at), length);
}

std::size_t header_size(std::span<const std::byte, frame_header::short_size> start) noexcept {
  return std::all_of(start.begin(), start.end(), [](std::byte each) { return each == all_ones; })
             ? frame_header::long_size
             : frame_header::short_size;
}

std::optional<std::uint64_t> frame_length(std::span<const std::byte> header) noexcept {
  if (header.size() == frame_header::long_size) return read_number(header.subspan(frame_header::short_size));
  const std::uint64_t length = read_number(header);
  if (length > longest_short) return std::nullopt;
  return length;
}

}  // namespace ferry::detail
