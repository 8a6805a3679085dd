// SPDX-License-Identifier: BSL-1.0
// Frames out: header and bytes gathered into as few system calls as the stream allows.
#include "channel/outgoing_frames.hpp"

#include <ferry/error.hpp>

#include "archive/envelope.hpp"
#include "archive/frame.hpp"
#include "handles/handle_bundle.hpp"
#include "handles/offered_handles.hpp"
#include "os/byte_stream.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace ferry::channel {
namespace {

/// What of the concatenation of two spans is left after its first `sent` bytes.
std::array<std::span<const std::byte>, 2> remaining(std::span<const std::byte> first,
                                                    std::span<const std::byte> second, std::size_t sent) {
  const std::size_t of_first = std::min(sent, first.size());
  return {first.subspan(of_first), second.subspan(sent - of_first)};
}

}  // namespace

void outgoing_frames::check(const message_view& what) {
  // The receiver learns from the envelope how many handles belong to the frame.
  if (detail::envelope_handle_count(what.bytes) != what.handles.size()) {
    throw transfer_error("a message for a stream must have its " + std::to_string(what.handles.size()) +
                         " handles announced in its envelope: make it with dumps");
  }
}

bool outgoing_frames::send(const message_view& what, deadline until) {
  if (!what.handles.empty()) check(what);
  const std::lock_guard lock(sending_);
  if (!send_rest(until)) return false;
  if (what.handles.empty()) return send_frame(what.bytes, {}, until);
  return kind_ == os::endpoint::pipe ? send_with_offers(what, until) : send_with_handles(what, until);
}

bool outgoing_frames::send_with_offers(const message_view& what, deadline until) {
  detail::outgoing_offers offers(what.handles);
  const buffer bytes = offers.behind(what.bytes);
  if (!send_frame(bytes.bytes(), {}, until)) return false;
  offers.sent();
  return true;
}

bool outgoing_frames::send_with_handles(const message_view& what, deadline until) {
  std::vector<handle_view> handles(what.handles.begin(), what.handles.end());
  unique_handle bundle;
  if (handles.size() > detail::most_direct_handles) {
    auto packed = detail::pack_handles(handles, until);
    if (!packed) return false;
    bundle = std::move(*packed);
    handles.clear();
    handles.push_back(bundle);
  }
  return send_frame(what.bytes, handles, until);
}

bool outgoing_frames::send_frame(std::span<const std::byte> bytes, std::span<const handle_view> handles,
                                 deadline until) {
  const detail::frame_header header(bytes.size());
  const std::size_t size = header.bytes().size() + bytes.size();
  std::size_t sent = os::send_some(stream_, kind_, remaining(header.bytes(), bytes, 0), handles, until);
  if (sent == 0) return false;
  try {
    while (sent < size) {
      const std::size_t more =
          os::send_some(stream_, kind_, remaining(header.bytes(), bytes, sent), {}, until);
      if (more == 0) break;
      sent += more;
    }
  } catch (const system_error&) {
    keep(header.bytes(), bytes, sent);
    throw;
  }
  if (sent < size) keep(header.bytes(), bytes, sent);
  return true;
}

void outgoing_frames::keep(std::span<const std::byte> header, std::span<const std::byte> bytes,
                           std::size_t sent) {
  rest_ = buffer();
  rest_sent_ = 0;
  for (const auto part : remaining(header, bytes, sent)) rest_.append(part.data(), part.size());
  unfinished_.store(true, std::memory_order_relaxed);
}

bool outgoing_frames::send_rest(deadline until) {
  while (rest_sent_ < rest_.size()) {
    const std::array parts{rest_.bytes().subspan(rest_sent_)};
    const std::size_t more = os::send_some(stream_, kind_, parts, {}, until);
    if (more == 0) return false;
    rest_sent_ += more;
  }
  if (!rest_.empty()) {
    rest_ = buffer();
    rest_sent_ = 0;
    unfinished_.store(false, std::memory_order_relaxed);
  }
  return true;
}

bool outgoing_frames::flush(deadline until) {
  // Who has no time does not wait for a thread that sends.
  if (until.is_immediate()) return try_flush() && !unfinished();
  const std::lock_guard lock(sending_);
  return send_rest(until);
}

bool outgoing_frames::try_flush() {
  const std::unique_lock lock(sending_, std::try_to_lock);
  return !lock || send_rest(deadline::immediately());
}

}  // namespace ferry::channel
