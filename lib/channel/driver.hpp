// SPDX-License-Identifier: BSL-1.0
// The seam under `connection`: what moves whole messages, whatever by.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/error.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include <optional>
#include <span>

namespace ferry {
class connection;
}

namespace ferry::channel {

class receipts;

/// What happens to the handles of a message.
enum class handle_carriage {
  direct,    ///< they ride with the bytes
  by_offer,  ///< they can only be offered, for the receiver to take from the living sender
  none,      ///< the peer may be on another machine
};

/// Moves messages of bytes and handles between two ends. An implementation is for one kind of carrier;
/// everything that depends on the kind is in it, and `connection` knows none of them.
///
/// A message is sent whole or not at all, and received whole or not at all. Blocking calls give up at their
/// deadline and then have done nothing that the next call would miss. One thread may send while another
/// receives.
class driver {
 public:
  driver() = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  virtual ~driver() = default;

  /// Sends `what` and leaves it empty.
  /// @returns false when the deadline passed: nothing was sent and `what` is as before. True also when it is
  ///          begun and the driver keeps the rest (see `flush`)
  /// @throws end_of_stream  when the other end is closed
  /// @throws transfer_error  when it cannot take the handles of `what`
  virtual bool send(message& what, deadline until) = 0;

  /// Sends bytes alone, as a message of its own.
  virtual bool send(std::span<const std::byte> bytes, deadline until) = 0;

  /// Completes what an earlier `send` could only begin in its time: a stream has no other way to give up.
  /// @returns false when the deadline passed before that
  virtual bool flush(deadline) { return true; }

  /// Receives the next message.
  /// @returns nothing when the deadline passed
  /// @throws end_of_stream  when the other end is closed and everything has been read
  /// @throws limit_exceeded  when the message passes `limit`; the message is lost
  virtual std::optional<message> receive(const limits& limit, deadline until) = 0;

  /// Waits until there is something to receive; the end of the stream counts.
  virtual bool readable(deadline until) = 0;

  /// Readable when `receive` has something to do: for event loops. Borrowed.
  virtual handle_view wait_handle() const noexcept = 0;

  /// The handle that is this end, for another process to have it too. Borrowed.
  /// @throws transfer_error  when this end has no such handle, or its state is not in it alone
  virtual handle_view end() const { return wait_handle(); }

  virtual handle_carriage carriage() const noexcept = 0;

  /// For streams on which CPython's way to send single handles is used; null for others.
  virtual channel::receipts* receipts() noexcept { return nullptr; }

  /// Memory from which a large message is best built, or null. Lives as long as the driver.
  virtual buffer::source* memory() noexcept { return nullptr; }
};

/// @throws system_error  EBADF when it is closed
driver& driver_of(const connection& open);

/// A message passes the limit of bytes, wherever that comes from.
class message_too_large : public limit_exceeded {
 public:
  message_too_large(std::size_t size, std::size_t limit);
  /// Of the message, in bytes.
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
};

/// @throws limit_exceeded  naming the limit and the cure
[[noreturn]] void throw_message_too_large(std::size_t size, std::size_t limit);
[[noreturn]] void throw_too_many_handles(std::size_t count, std::size_t limit);
void check_limits(std::size_t bytes, std::size_t handles, const limits& limit);

}  // namespace ferry::channel
