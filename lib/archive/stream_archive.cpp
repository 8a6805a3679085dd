// SPDX-License-Identifier: BSL-1.0
// Messages in streams of the standard library, framed as in pipes.
#include <ferry/stream_archive.hpp>

#include "archive/frame.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <array>
#include <cstddef>
#include <istream>
#include <ostream>
#include <span>
#include <string>

namespace ferry::detail {
namespace {

void put(std::ostream& to, std::span<const std::byte> bytes) {
  to.write(reinterpret_cast<const char*>(bytes.data()), gsl::narrow<std::streamsize>(bytes.size()));
}

/// @returns how many bytes came before the end
std::size_t get(std::istream& from, std::byte* into, std::size_t count) {
  from.read(reinterpret_cast<char*>(into), gsl::narrow<std::streamsize>(count));
  return gsl::narrow<std::size_t>(from.gcount());
}

[[noreturn]] void throw_ended(std::uint64_t wanted, std::uint64_t got) {
  throw archive_error("the stream ends in the middle of a message: of " + std::to_string(wanted) +
                      " bytes came " + std::to_string(got));
}

}  // namespace

void write_message(std::ostream& to, const message& what) {
  if (!what.handles().empty()) {
    throw transfer_error(
        "a value with " + std::to_string(what.handles().size()) +
        " handles cannot be written into a stream, which carries bytes alone: send it over a "
        "connection");
  }
  put(to, frame_header(what.bytes().size()).bytes());
  put(to, what.bytes());
  if (!to) throw archive_error("the stream takes no more: a message was not written, or in part");
}

message read_message(std::istream& from, std::size_t most_bytes) {
  std::array<std::byte, frame_header::long_size> header{};
  std::size_t size = frame_header::short_size, got = get(from, header.data(), size);
  if (got == 0) throw end_of_stream("the stream has no further value");
  if (got == size) {
    size = header_size(std::span(header).first<frame_header::short_size>());
    got += get(from, header.data() + got, size - got);
  }
  if (got != size) throw_ended(size, got);
  const auto length = frame_length(std::span(header).first(size));
  if (!length) throw archive_error("the stream holds no message here: its length is negative");
  if (*length > most_bytes) {
    throw limit_exceeded("the message in the stream has " + std::to_string(*length) +
                         " bytes, more than limits::bytes, which is " + std::to_string(most_bytes));
  }
  constexpr std::size_t piece = std::size_t{1} << 20U;
  buffer bytes;
  for (auto left = gsl::narrow<std::size_t>(*length); left != 0;) {
    const std::size_t next = std::min(left, piece);
    const std::size_t came = get(from, bytes.extend(next), next);
    if (came != next) throw_ended(*length, *length - left + came);
    left -= next;
  }
  return message(std::move(bytes));
}

}  // namespace ferry::detail
