// Frames in: header, then body, in whatever pieces they come.
#include "channel/incoming_frame.hpp"

#include <ferry/error.hpp>

#include "archive/envelope.hpp"
#include "channel/driver.hpp"
#include "channel/handle_bundle.hpp"
#include "channel/offered_handles.hpp"
#include "os/byte_stream.hpp"

#include <algorithm>
#include <utility>

namespace ferry::channel {

std::optional<message> incoming_frame::receive(const limits& limit, deadline until) {
  if (!skip_body(until) || !read_header(until)) return std::nullopt;
  if (length_ > limit.bytes) {
    const std::uint64_t length = length_;
    to_skip_ = length - body_.size();
    start_over();
    throw_message_too_large(length, limit.bytes);
  }
  if (!read_body(until)) return std::nullopt;

  buffer body = std::exchange(body_, buffer());
  std::vector<unique_handle> handles = std::exchange(handles_, {});
  const bool handles_lost = handles_lost_;
  start_over();  // whatever is wrong with this frame, the next one can be read
  const std::size_t announced = detail::envelope_handle_count(body.bytes());
  check_limits(body.size(), announced, limit);
  handles = kind_ == os::endpoint::pipe ? take_offered(body, announced)
                                        : claim_handles(std::move(handles), announced, handles_lost);
  return message(std::move(body), std::move(handles));
}

bool incoming_frame::read_header(deadline until) {
  while (header_got_ < header_size_) {
    const std::size_t more = pull(std::span(header_).first(header_size_).subspan(header_got_), until);
    if (more == 0) return false;
    header_got_ += more;
    if (header_got_ == frame_header::short_size) {
      header_size_ = channel::header_size(std::span(header_).first<frame_header::short_size>());
    }
  }
  const auto length = frame_length(std::span(header_).first(header_size_));
  if (!length) throw archive_error("what the stream holds is not a frame: its length is negative");
  length_ = *length;
  return true;
}

bool incoming_frame::read_body(deadline until) {
  constexpr std::uint64_t first_piece = std::uint64_t{64} << 10U;
  while (body_.size() < length_) {
    const std::size_t had = body_.size();
    // As much again as has come already: the memory is never more than twice the bytes that were sent.
    const auto piece =
        static_cast<std::size_t>(std::min(length_ - had, std::max<std::uint64_t>(first_piece, had)));
    std::byte* const into = body_.extend(piece);
    body_.truncate(had);
    const std::size_t more = pull({into, piece}, until);
    if (more == 0) return false;
    body_.extend(more);
  }
  return true;
}

bool incoming_frame::skip_body(deadline until) {
  std::vector<std::byte> ignored(static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, 65536)));
  while (to_skip_ > 0) {
    const std::size_t piece = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, ignored.size()));
    const std::size_t more = pull(std::span(ignored).first(piece), until);
    if (more == 0) return false;
    to_skip_ -= more;
  }
  return true;
}

/// @returns how many bytes came; 0 when `until` passed
std::size_t incoming_frame::pull(std::span<std::byte> into, deadline until) {
  const auto got = os::receive_some(stream_, kind_, into, handles_, until);
  if (!got) return 0;
  handles_lost_ = handles_lost_ || got->handles_lost;
  if (got->bytes == 0) {
    if (header_got_ == 0 && to_skip_ == 0) throw end_of_stream("the other end of the connection is closed");
    throw truncated_message("the stream ended inside a message: its writer died, or closed it too early");
  }
  return got->bytes;
}

void incoming_frame::start_over() noexcept {
  header_got_ = 0;
  header_size_ = frame_header::short_size;
  length_ = 0;
  body_ = buffer();
  handles_.clear();
  handles_lost_ = false;
}

}  // namespace ferry::channel
