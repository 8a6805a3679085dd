// SPDX-License-Identifier: BSL-1.0
// The part of a connection that is the same for every carrier.
#include <ferry/connection.hpp>
#include <ferry/detail/base/copy.hpp>
#include <ferry/driver.hpp>

#include "channel/adopt.hpp"
#include "channel/authentication.hpp"
#include "channel/message_limits.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"

#include <gsl/assert>

#include <algorithm>
#include <string>

namespace ferry {
namespace {

constexpr const char* gone = "is closed or moved from";

[[noreturn]] void throw_unusable(const char* operation, const char* reason) {
  os::throw_system_error(std::errc::bad_file_descriptor,
                         std::string(operation) + " a connection that " + reason);
}

void check_carriage(const message& what, handle_carriage carriage, transfer mode) {
  if (what.handles().empty() || carriage == handle_carriage::direct) return;
  const std::string count = std::to_string(what.handles().size());
  if (carriage == handle_carriage::none) {
    throw transfer_error(
        "a network connection cannot carry the " + count +
        " handles of this message: live objects cross between processes of one machine, over a "
        "local connection");
  }
  if (mode == transfer::inherit) {
    throw transfer_error(
        "a plain pipe cannot carry the " + count +
        " handles of this message: use ferry::pipe() or a local socket, or transfer::duplicate, "
        "with which the receiver takes them from this process");
  }
}

/// Closes the handles of a message of which only the bytes are wanted.
void discard_handles(message& of) {
  for (unique_handle& each : of.take_handles()) os::discard(std::move(each));
}

std::size_t copy_out(const message& from, std::span<std::byte> into) {
  const auto bytes = from.bytes();
  if (bytes.size() > into.size()) {
    throw buffer_too_short(into.size(), std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  detail::copy_bytes(into.data(), bytes.data(), bytes.size());
  return bytes.size();
}

/// @param most  what the caller asked for, which is not to be confused with the limit of the connection
std::optional<message> receive_bytes(driver& from, const limits& limit, std::size_t most, deadline until) {
  try {
    return from.receive(limit, until);
  } catch (const channel::message_too_large& what) {
    if (limit.bytes < most) throw;
    throw limit_exceeded("a message of " + std::to_string(what.size()) +
                         " bytes came, and recv_bytes was to take " + std::to_string(most) +
                         " at most: give it a larger maximum");
  }
}

}  // namespace

connection::connection() noexcept = default;
connection::connection(unique_handle handle, access ways, archive_options options)
    : driver_(channel::adopt(std::move(handle))), ways_(ways), options_(options) {}
connection::connection(std::unique_ptr<driver> carrier, access ways, archive_options options)
    : driver_(std::move(carrier)), ways_(ways), options_(options) {
  Expects(driver_ != nullptr);
}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

void connection::close() noexcept {
  driver_.reset();
}

driver& connection::carrier() const {
  if (closed()) throw_unusable("use", gone);
  return *driver_;
}

archive_options connection::sending_options() const {
  archive_options options = options_;
  options.memory = open_for_sending().memory();
  return options;
}

driver& connection::open_for_sending() const {
  if (closed()) throw_unusable("send on", gone);
  if (!writable()) throw_unusable("send on", "only receives: it is the first end of pipe(false)");
  return *driver_;
}

driver& connection::open_for_receiving() const {
  if (closed()) throw_unusable("receive on", gone);
  if (!readable()) throw_unusable("receive on", "only sends: it is the second end of pipe(false)");
  return *driver_;
}

native_handle_type connection::native_handle() const {
  if (closed()) throw_unusable("wait for", gone);
  return driver_->wait_handle().native();
}

bool connection::flush_until(deadline until) {
  return open_for_sending().flush(until);
}

bool connection::poll_until(deadline until) {
  return open_for_receiving().readable(until);
}

void connection::send_message(message what) {
  send_message_until(what, deadline::never());
}

bool connection::send_message_until(message& what, deadline until) {
  driver& carrier = open_for_sending();
  check_limits(what.bytes().size(), what.handles().size(), options_.limit);
  check_carriage(what, carrier.carriage(), options_.mode);
  return carrier.hand_over(what, until);
}

message connection::recv_message() {
  return std::move(*recv_message_until(deadline::never()));
}

std::optional<message> connection::recv_message_until(deadline until) {
  auto what = open_for_receiving().receive(options_.limit, until);
  // Without a key one gets what is meant for those who have one.
  if (what && channel::authentication::is_challenge(what->bytes())) {
    throw authentication_error(
        "the peer is a listener that has a key, and asks for it: give it to connect, as "
        "connect_options::authkey");
  }
  return what;
}

void connection::send_bytes(std::span<const std::byte> bytes) {
  send_bytes_until(bytes, deadline::never());
}

bool connection::send_bytes_until(std::span<const std::byte> bytes, deadline until) {
  driver& carrier = open_for_sending();
  check_limits(bytes.size(), 0, options_.limit);
  return carrier.send({.bytes = bytes}, until);
}

std::vector<std::byte> connection::recv_bytes(std::size_t most) {
  return std::move(*recv_bytes_until(deadline::never(), most));
}

std::optional<std::vector<std::byte>> connection::recv_bytes_until(deadline until, std::size_t most) {
  limits limit = options_.limit;
  limit.bytes = std::min(limit.bytes, most);
  auto what = receive_bytes(open_for_receiving(), limit, most, until);
  if (!what) return std::nullopt;
  discard_handles(*what);
  return std::vector<std::byte>(what->bytes().begin(), what->bytes().end());
}

std::size_t connection::recv_bytes_into(std::span<std::byte> into) {
  return *recv_bytes_into_until(into, deadline::never());
}

std::optional<std::size_t> connection::recv_bytes_into_until(std::span<std::byte> into, deadline until) {
  auto what = open_for_receiving().receive(options_.limit, until);
  if (!what) return std::nullopt;
  discard_handles(*what);
  return copy_out(*what, into);
}

std::pair<connection, connection> pipe(bool duplex) {
  auto [first, second] = os::packet_socket_pair();
  if (duplex) return {connection(std::move(first)), connection(std::move(second))};
  // Said to the kernel, so that it holds in every process that gets an end.
  os::shut_down(first, os::direction::sending);
  return {connection(std::move(first), access::read_only), connection(std::move(second), access::write_only)};
}

}  // namespace ferry
