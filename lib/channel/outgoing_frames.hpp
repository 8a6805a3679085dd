// SPDX-License-Identifier: BSL-1.0
// The sending half of a stream.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/message.hpp>

#include "os/socket.hpp"

#include <atomic>
#include <mutex>
#include <span>

namespace ferry::channel {

/// Writes frames to a stream. A frame whose first byte is out has to be completed before another may begin.
/// When time is over before that, the rest is kept here: it goes first whenever something is sent or flushed.
/// Thread-safe.
class outgoing_frames {
 public:
  /// @param stream  borrowed
  outgoing_frames(handle_view stream, os::endpoint kind) noexcept : stream_(stream), kind_(kind) {}

  /// @returns false when `until` passed before the first byte; true when the frame is out or kept
  /// @throws transfer_error  unless its bytes announce the handles that it has
  static void check(const message_view& what);
  /// @throws transfer_error  when it has handles that its bytes do not announce
  bool send(const message_view& what, deadline until);

  /// Sends what is kept. @returns false when `until` passed before the end of it
  bool flush(deadline until);
  /// As far as it goes at once, and only if no other thread is sending.
  /// @returns whether there is nothing left for this thread to do
  bool try_flush();
  /// Whether the rest of a frame is kept.
  bool unfinished() const noexcept { return unfinished_.load(std::memory_order_relaxed); }

 private:
  bool send_with_handles(const message_view& what, deadline until);
  bool send_with_offers(const message_view& what, deadline until);
  bool send_frame(std::span<const std::byte> bytes, std::span<const handle_view> handles, deadline until);
  bool send_rest(deadline until);
  void keep(std::span<const std::byte> header, std::span<const std::byte> bytes, std::size_t sent);

  handle_view stream_;
  os::endpoint kind_;
  std::mutex sending_;  // held while a frame goes out
  buffer rest_;
  std::size_t rest_sent_ = 0;
  std::atomic<bool> unfinished_ = false;  // a hint for readers; the truth is in rest_, under the mutex
};

}  // namespace ferry::channel
