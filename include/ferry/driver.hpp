// SPDX-License-Identifier: BSL-1.0
// The seam under a connection: carriers of whole messages.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include <cstddef>
#include <optional>

namespace ferry {

/// What happens to the handles of a message.
enum class handle_carriage {
  direct,    ///< they ride with the bytes
  by_offer,  ///< they can only be offered, for the receiver to take from the living sender
  none,      ///< the peer may be on another machine
};

/// Moves messages of bytes and handles between two ends. An implementation is for one kind of carrier;
/// everything that depends on the kind is in it, and `connection`, which is made of a driver, knows none of
/// them. `<ferry/driver_conformance.hpp>` has tests for whoever writes one, examples/own_driver is one.
///
/// A message is sent whole or not at all, and received whole or not at all. Blocking calls give up at their
/// deadline and then have done nothing that the next call would miss. One thread may send while another
/// receives. Bytes from the other end may be hostile: lengths are looked at before memory is asked for.
class driver {
 public:
  driver() = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  virtual ~driver() = default;

  /// Sends a copy of a message, which stays with the caller. Its `format` is not carried.
  /// @returns false when the deadline passed: nothing was sent. True also when it is begun and the driver
  ///          keeps the rest (see `flush`)
  /// @throws end_of_stream  when the other end is closed
  /// @throws transfer_error  when it cannot take the handles; nothing was sent
  /// @throws system_error  when descriptors or memory have run out; nothing was sent
  virtual bool send(const message_view& what, deadline until) = 0;

  /// The same, and leaves `what` empty when it has been sent, else as it was: for drivers that can hand over
  /// its memory.
  virtual bool hand_over(message& what, deadline until) {
    if (!send(what, until)) return false;
    what = message();
    return true;
  }

  /// Completes what an earlier `send` could only begin in its time: a stream has no other way to give up.
  /// `receive` and `readable` go on with it while they wait, so that two ends that have both begun a message
  /// come out of it. Called by either thread, also while the other one sends.
  /// @returns false when the deadline passed before that
  virtual bool flush(deadline) { return true; }

  /// Receives the next message.
  /// @returns nothing when the deadline passed
  /// @throws end_of_stream  when the other end is closed and everything has been read
  /// @throws truncated_message  when it is closed in the middle of a message
  /// @throws archive_error  when what came is no message
  /// @throws system_error  `std::errc::too_many_files_open` when there are no descriptors for the handles;
  /// the
  ///         message is lost, and the next one can be received
  /// @throws limit_exceeded  when the message passes `limit`, see `check_limits`; the message is lost, and
  ///         the next one can be received
  virtual std::optional<message> receive(const limits& limit, deadline until) = 0;

  /// Waits until there is something to receive; the end of the stream counts.
  virtual bool readable(deadline until) = 0;

  /// Readable when `receive` has something to do: for event loops. Borrowed.
  virtual handle_view wait_handle() const noexcept = 0;

  /// The handle that is this end, for another process to have it too. Borrowed. A process that gets it makes
  /// the driver that Ferry has for its kind: one of another kind throws.
  /// @throws transfer_error  when this end has no such handle, or its state is not in it alone
  virtual handle_view end() const = 0;

  virtual handle_carriage carriage() const noexcept = 0;

  /// Memory from which a large message is best built, or null. Lives as long as the driver.
  virtual buffer::source* memory() noexcept { return nullptr; }
};

/// For drivers, before anything of a message is read.
/// @throws limit_exceeded  when it has more than a message may have; names the limit and the cure
void check_limits(std::size_t bytes, std::size_t handles, const limits& limit);

}  // namespace ferry
