// SPDX-License-Identifier: BSL-1.0
// A connection: what carries messages, typed values and plain bytes to another process.
#pragma once

#include <ferry/any_object.hpp>
#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/deadline.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/message.hpp>
#include <ferry/reducer.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ferry {

class connection;

class driver;

namespace detail {

template <class T>
concept not_bytes = !std::convertible_to<const T&, std::span<const std::byte>>;
template <class T>
concept no_room_for_bytes = !std::convertible_to<T, std::span<std::byte>>;

template <class T>
constexpr bool refuse_to_send() {
  static_assert(
      !not_bytes<T>,
      "ferry: send_bytes takes a span of std::byte, which this is not. Ways out: for a text or a vector "
      "of plain elements std::as_bytes(std::span(it)); or send(it), which sends any value");
  return false;
}
template <class T>
constexpr std::size_t refuse_to_fill() {
  static_assert(
      !no_room_for_bytes<T>,
      "ferry: recv_bytes_into fills a span of std::byte, which this is not. Ways out: for a text or a "
      "vector of plain elements std::as_writable_bytes(std::span(it)); or recv_bytes(), which returns "
      "as many bytes as come");
  return 0;
}

}  // namespace detail

/// Which ways a connection works.
enum class access { read_write, read_only, write_only };

/// One end of a channel that keeps messages whole.
///
/// What it works over is found from the handle: a local packet socket (`pipe()`), a Unix or TCP stream socket
/// (`listener`, `connect`), or a plain pipe. Messages with handles need a local socket.
///
/// Blocking: the plain forms wait for as long as it takes, `try_` forms not at all, `_for` and `_until` forms
/// up to their time. A form that gives up has sent nothing and has lost nothing.
///
/// Thread-safety: one thread may send while another receives; over a local packet socket any number of
/// threads and processes may do both. `close` and moving want the connection for themselves.
///
/// Errors common to all: `end_of_stream` when the other end is closed, `system_error` with
/// `std::errc::bad_file_descriptor` when this one is, or is not open in the direction asked for.
class connection {
 public:
  /// A closed connection.
  connection() noexcept;
  /// Takes over an open handle and finds out what it is.
  /// @throws system_error  when it is not open, or not something that carries messages
  explicit connection(unique_handle handle, access ways = access::read_write, archive_options options = {});
  /// Works over another carrier, see `<ferry/driver.hpp>`; it is not null.
  explicit connection(std::unique_ptr<driver> carrier, access ways = access::read_write,
                      archive_options options = {});
  connection(connection&& other) noexcept;
  connection& operator=(connection&& other) noexcept;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  /// @name Typed values
  /// Anything that `dumps` takes, with the live objects in it. A large value is serialised straight into the
  /// memory that its receiver reads.
  /// @throws what `dumps` and `send_message` do; nothing is sent then
  /// @throws what `recv_message` and `loads` do: after an `archive_error`, a `limit_exceeded` or a
  ///         `name_error` the next message can be read
  ///@{
  template <class T>
  FERRY_REFUSES(detail::refusal_of<detail::sent_as<T>, detail::going::out>)
  void send(const T& value) {
    send_message(detail::dump_value(value, sending_options()));
  }
  template <class T>
  FERRY_REFUSES(detail::refusal_of<detail::sent_as<T>, detail::going::out>)
  bool try_send(const T& value) {
    return send_value(value, deadline::immediately());
  }
  template <class T, class Rep, class Period>
  FERRY_REFUSES(detail::refusal_of<detail::sent_as<T>, detail::going::out>)
  bool send_for(const T& value, std::chrono::duration<Rep, Period> time) {
    return send_value(value, deadline::after(time));
  }
  template <class T>
  FERRY_REFUSES(detail::refusal_of<detail::sent_as<T>, detail::going::out>)
  bool send_until(const T& value, deadline until) {
    return send_value(value, until);
  }

  template <class T>
  FERRY_REFUSES(detail::refusal_of_returned<T>)
  T recv() {
    return detail::load_value<T>(recv_message(), options_);
  }
  template <class T>
  FERRY_REFUSES(detail::refusal_of_returned<T>)
  std::optional<T> try_recv() {
    return recv_value<T>(deadline::immediately());
  }
  template <class T, class Rep, class Period>
  FERRY_REFUSES(detail::refusal_of_returned<T>)
  std::optional<T> recv_for(std::chrono::duration<Rep, Period> time) {
    return recv_value<T>(deadline::after(time));
  }
  template <class T>
  FERRY_REFUSES(detail::refusal_of_returned<T>)
  std::optional<T> recv_until(deadline until) {
    return recv_value<T>(until);
  }

  /// A value of whatever type the dispatch table of `options()` has under the wire name that arrives.
  any_object recv_any() { return loads_any(recv_message(), options_); }
  std::optional<any_object> try_recv_any() { return recv_any_until(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<any_object> recv_any_for(std::chrono::duration<Rep, Period> time) {
    return recv_any_until(deadline::after(time));
  }
  std::optional<any_object> recv_any_until(deadline until) {
    std::optional<message> what = recv_message_until(until);
    if (!what) return std::nullopt;
    return loads_any(std::move(*what), options_);
  }
  ///@}

  /// @name Messages
  /// What `dumps` made, sent whole: bytes and handles.
  /// @throws transfer_error  when `what` holds handles and the carrier cannot take them; nothing is sent
  /// @throws limit_exceeded  when the message passes `options().limit`. On the receiving side it is lost, and
  ///                         the connection usable after
  /// @throws system_error  `std::errc::too_many_files_open`: the receiver has no descriptor left for the
  ///                       handles of the message; it is lost, and the connection usable after
  /// @throws truncated_message  when the stream ended inside a message
  ///@{
  void send_message(message what);
  bool try_send_message(message& what) { return send_message_until(what, deadline::immediately()); }
  template <class Rep, class Period>
  bool send_message_for(message& what, std::chrono::duration<Rep, Period> time) {
    return send_message_until(what, deadline::after(time));
  }
  /// @returns false when `until` passed; `what` is as before then, and empty otherwise
  bool send_message_until(message& what, deadline until);

  message recv_message();
  std::optional<message> try_recv_message() { return recv_message_until(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<message> recv_message_for(std::chrono::duration<Rep, Period> time) {
    return recv_message_until(deadline::after(time));
  }
  std::optional<message> recv_message_until(deadline until);
  ///@}

  /// @name Bytes
  /// Over stream sockets and plain pipes framed byte for byte as CPython's `Connection.send_bytes`, so that
  /// an unmodified Python program is a peer. What was sent as a message or a typed value can be read as bytes
  /// too; its handles are closed then.
  ///@{
  /// A text goes as `std::as_bytes(std::span(text))`, room for one is
  /// `std::as_writable_bytes(std::span(text))`.
  void send_bytes(std::span<const std::byte> bytes);
  bool try_send_bytes(std::span<const std::byte> bytes) {
    return send_bytes_until(bytes, deadline::immediately());
  }
  template <class Rep, class Period>
  bool send_bytes_for(std::span<const std::byte> bytes, std::chrono::duration<Rep, Period> time) {
    return send_bytes_until(bytes, deadline::after(time));
  }
  bool send_bytes_until(std::span<const std::byte> bytes, deadline until);

  static constexpr std::size_t no_maximum = static_cast<std::size_t>(-1);
  /// @param most  refuse a longer message with `limit_exceeded`; it is lost, the connection usable after
  std::vector<std::byte> recv_bytes(std::size_t most = no_maximum);
  std::optional<std::vector<std::byte>> try_recv_bytes(std::size_t most = no_maximum) {
    return recv_bytes_until(deadline::immediately(), most);
  }
  template <class Rep, class Period>
  std::optional<std::vector<std::byte>> recv_bytes_for(std::chrono::duration<Rep, Period> time,
                                                       std::size_t most = no_maximum) {
    return recv_bytes_until(deadline::after(time), most);
  }
  std::optional<std::vector<std::byte>> recv_bytes_until(deadline until, std::size_t most = no_maximum);

  /// @returns how many bytes of `into` were filled
  /// @throws buffer_too_short  which holds the whole message
  std::size_t recv_bytes_into(std::span<std::byte> into);
  std::optional<std::size_t> try_recv_bytes_into(std::span<std::byte> into) {
    return recv_bytes_into_until(into, deadline::immediately());
  }
  template <class Rep, class Period>
  std::optional<std::size_t> recv_bytes_into_for(std::span<std::byte> into,
                                                 std::chrono::duration<Rep, Period> time) {
    return recv_bytes_into_until(into, deadline::after(time));
  }
  std::optional<std::size_t> recv_bytes_into_until(std::span<std::byte> into, deadline until);

  // For what is no bytes, to say so.
  template <detail::not_bytes T>
  void send_bytes(const T&) {
    detail::refuse_to_send<T>();
  }
  template <detail::not_bytes T>
  bool try_send_bytes(const T&) {
    return detail::refuse_to_send<T>();
  }
  template <detail::not_bytes T, class Time>
  bool send_bytes_for(const T&, Time) {
    return detail::refuse_to_send<T>();
  }
  template <detail::not_bytes T, class Time>
  bool send_bytes_until(const T&, Time) {
    return detail::refuse_to_send<T>();
  }
  template <detail::no_room_for_bytes T>
  std::size_t recv_bytes_into(T&&) {
    return detail::refuse_to_fill<T>();
  }
  template <detail::no_room_for_bytes T>
  std::optional<std::size_t> try_recv_bytes_into(T&&) {
    return detail::refuse_to_fill<T>();
  }
  template <detail::no_room_for_bytes T, class Time>
  std::optional<std::size_t> recv_bytes_into_for(T&&, Time) {
    return detail::refuse_to_fill<T>();
  }
  template <detail::no_room_for_bytes T, class Time>
  std::optional<std::size_t> recv_bytes_into_until(T&&, Time) {
    return detail::refuse_to_fill<T>();
  }
  ///@}

  /// Completes what `_for`, `_until` or `try_` forms of sending have begun. A stream cannot take back half a
  /// message: when time is over in the middle of one, the form returns true and the rest is kept. It goes
  /// first with whatever is done next on this connection: sending, receiving, `poll` or `ferry::wait`;
  /// `close` drops it. Local connections never keep anything.
  void flush() { flush_until(deadline::never()); }
  template <class Rep, class Period>
  bool flush_for(std::chrono::duration<Rep, Period> time) {
    return flush_until(deadline::after(time));
  }
  /// @returns false when `until` passed before everything was out
  bool flush_until(deadline until);

  /// Whether there is something to receive; the end of the stream counts. Takes nothing. Over a stream it
  /// tells of the first byte: the rest of a message may still be on its way.
  bool poll() { return poll_until(deadline::immediately()); }
  template <class Rep, class Period>
  bool poll(std::chrono::duration<Rep, Period> time) {
    return poll_until(deadline::after(time));
  }
  bool poll_until(deadline until);

  /// For event loops and `ferry::wait`: readable when there is something to receive. Borrowed.
  native_handle_type native_handle() const;

  /// Closes this end. Does nothing when it is closed. What has been sent can still be read.
  void close() noexcept;
  bool closed() const noexcept { return driver_ == nullptr; }
  bool readable() const noexcept { return ways_ != access::write_only; }
  bool writable() const noexcept { return ways_ != access::read_only; }

  /// What it works over.
  /// @throws system_error  `std::errc::bad_file_descriptor` when it is closed
  driver& carrier() const;

  /// Transfer mode, dispatch table and limits of what is sent and received; `memory` is the connection's own.
  archive_options& options() noexcept { return options_; }
  const archive_options& options() const noexcept { return options_; }

 private:
  friend struct reducer<connection>;

  template <class T>
  bool send_value(const T& value, deadline until) {
    message what = detail::dump_value(value, sending_options());
    return send_message_until(what, until);
  }
  template <class T>
  std::optional<T> recv_value(deadline until) {
    if constexpr (detail::check_returned<T>()) {
      std::optional<message> what = recv_message_until(until);
      if (!what) return std::nullopt;
      return detail::optional_of<T>([&]() -> T { return detail::load_value<T>(std::move(*what), options_); });
    } else {
      std::terminate();
    }
  }
  archive_options sending_options() const;
  driver& open_for_sending() const;
  driver& open_for_receiving() const;

  std::unique_ptr<driver> driver_;
  access ways_ = access::read_write;
  archive_options options_;
};

/// Two connected ends on this machine; each works in any process, and may be shared by several.
/// @param duplex  false: the first end only receives and the second only sends
/// @throws system_error  when descriptors have run out
std::pair<connection, connection> pipe(bool duplex = true);

/// A connection crosses as its handle, at any time: both processes then have the same end. What was set by
/// `options()` does not cross.
/// @throws transfer_error  for a stream in the middle of a message
template <>
struct reducer<connection> {
  static constexpr std::string_view name = "ferry.connection";
  static std::tuple<handle_view, access> reduce(const connection& end);
  static connection rebuild(unique_handle handle, access ways);
};

}  // namespace ferry
