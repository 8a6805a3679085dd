// SPDX-License-Identifier: BSL-1.0
// Frames in: header, then body, in whatever pieces they come.
#include "channel/incoming_frame.hpp"

#include <ferry/driver.hpp>
#include <ferry/error.hpp>

#include "archive/envelope.hpp"
#include "channel/message_limits.hpp"
#include "handles/handle_bundle.hpp"
#include "handles/offered_handles.hpp"
#include "os/byte_stream.hpp"

#include <gsl/assert>
#include <gsl/narrow>
#include <gsl/span>

#include <algorithm>
#include <utility>
#include <vector>

namespace ferry::channel {

std::optional<message> incoming_frame::receive(const limits& limit, deadline until) {
  // More than that come as one, their bundle.
  const std::size_t most_handles = std::min(limit.handles, detail::most_direct_handles);
  if (!skip_body(until) || !read_header(most_handles, until)) return std::nullopt;
  if (length_ > limit.bytes) {
    const std::uint64_t length = length_;
    to_skip_ = length - body_.size();
    start_over();
    throw message_too_large(length, limit.bytes);
  }
  if (!read_body(most_handles, until)) return std::nullopt;

  buffer body = std::exchange(body_, buffer());
  os::received_handles handles = std::exchange(handles_, {});
  const std::size_t handles_came = handles_came_;
  const bool handles_lost = handles_lost_;
  start_over();  // whatever is wrong with this frame, the next one can be read
  const std::size_t announced = detail::envelope_handle_count(body.bytes());
  check_limits(body.size(), announced, limit);
  if (kind_ == os::endpoint::pipe) {
    std::vector<unique_handle> taken = detail::take_offered(body, announced);
    return message(std::move(body), std::move(taken));
  }
  if (handles_came != handles.list.size()) detail::throw_wrong_handle_count(handles_came, announced);
  std::vector<unique_handle> claimed = detail::claim_handles(std::move(handles), announced, handles_lost);
  return message(std::move(body), std::move(claimed));
}

bool incoming_frame::read_header(std::size_t most_handles, deadline until) {
  while (header_got_ < header_size_) {
    const auto rest = gsl::span(header_).first(header_size_).subspan(header_got_);
    const std::size_t more = pull({rest.data(), rest.size()}, most_handles, until);
    if (more == 0) return false;
    const bool is_first = std::exchange(header_got_, header_got_ + more) == 0;
    if (is_first) drop_receipts();
    if (header_got_ == detail::frame_header::short_size) {
      header_size_ = detail::header_size(std::span(header_).first<detail::frame_header::short_size>());
    }
  }
  const auto length = detail::frame_length(std::span(header_).first(header_size_));
  if (!length) throw archive_error("what the stream holds is not a frame: its length is negative");
  length_ = *length;
  return true;
}

void incoming_frame::drop_receipts() noexcept {
  while (header_got_ != 0 && between_.take(header_.front())) {
    std::copy(header_.begin() + 1, header_.end(), header_.begin());
    --header_got_;
  }
}

bool incoming_frame::read_body(std::size_t most_handles, deadline until) {
  constexpr std::uint64_t first_piece = std::uint64_t{64} << 10U;
  while (body_.size() < length_) {
    const std::size_t had = body_.size();
    // As much again as has come already: the memory is never more than twice the bytes that were sent.
    const auto piece =
        gsl::narrow<std::size_t>(std::min(length_ - had, std::max<std::uint64_t>(first_piece, had)));
    std::byte* const into = body_.extend(piece);
    body_.truncate(had);
    const std::size_t more = pull({into, piece}, most_handles, until);
    if (more == 0) return false;
    body_.extend(more);
  }
  return true;
}

bool incoming_frame::skip_body(deadline until) {
  std::vector<std::byte> ignored(gsl::narrow_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, 65536)));
  while (to_skip_ > 0) {
    const auto piece = gsl::narrow_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, ignored.size()));
    const std::size_t more = pull(std::span(ignored).first(piece), 0, until);
    if (more == 0) return false;
    to_skip_ -= more;
    handles_came_ = 0;
    handles_lost_ = false;
  }
  return true;
}

/// @param most_handles  that the frame may have come with: if it is more, none is kept
/// @returns how many bytes came; 0 when `until` passed
std::size_t incoming_frame::pull(std::span<std::byte> into, std::size_t most_handles, deadline until) {
  const std::size_t had = handles_.list.size();
  const auto got = os::receive_some(stream_, kind_, into, handles_.list, until);
  if (!got) return 0;
  handles_came_ += handles_.list.size() - had;
  if (handles_came_ > most_handles) handles_.discard_all();
  handles_lost_ = handles_lost_ || got->handles_lost;
  Ensures(got->bytes <= into.size());
  if (got->bytes == 0) {
    if (header_got_ == 0 && to_skip_ == 0) throw end_of_stream("the other end of the connection is closed");
    throw truncated_message("the stream ended inside a message: its writer died, or closed it too early");
  }
  return got->bytes;
}

void incoming_frame::start_over() noexcept {
  header_got_ = 0;
  header_size_ = detail::frame_header::short_size;
  length_ = 0;
  body_ = buffer();
  handles_.discard_all();
  handles_came_ = 0;
  handles_lost_ = false;
}

}  // namespace ferry::channel
