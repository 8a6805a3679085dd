// SPDX-License-Identifier: BSL-1.0
// Accepting connections from processes that this one did not start.
#pragma once

#include <ferry/address.hpp>
#include <ferry/connection.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ferry {

struct listener_options {
  /// The key that both sides must prove to know, in a handshake as CPython's `multiprocessing.connection` has
  /// it; without one, every peer that may connect is welcome.
  std::optional<std::string> authkey = std::nullopt;
  /// Also accept HMAC-MD5, which is all that CPython 3.11 and before know.
  bool allow_md5 = false;
  /// How long one peer may take to prove itself.
  std::chrono::milliseconds handshake_time{10'000};
  /// Refuse peers of other users; for Unix sockets, where the kernel tells.
  bool same_user = true;
  /// Peers that have connected and wait to be accepted.
  int backlog = 128;
  /// Peers that are proving themselves at the same time, where there is a key; more wait in the backlog. When
  /// some do, one that has said nothing for a tenth of `handshake_time` makes room.
  std::size_t most_handshakes = 64;
  /// For a socket file that exists already: take its place if no listener lives behind it, as when the one
  /// before was killed. A living listener is left alone, and does not notice; of two that start at the same
  /// time one gets the place. Only for a folder of this machine's own: of a listener on another machine,
  /// behind a file in a network folder, nothing can be known.
  bool replace_dead = false;
  /// Told of each peer that was refused, from within `accept`. Must not use the listener.
  std::function<void(const std::exception& why)> on_refused = nullptr;
  /// Options of the connections.
  archive_options archive = {};
};

/// What the kernel says of a peer.
struct peer_info {
  std::optional<address> from;             ///< for TCP
  std::optional<std::int64_t> process_id;  ///< for Unix sockets
  std::optional<std::uint32_t> user_id;    ///< for Unix sockets
};

/// Listens at an address.
///
///   ferry::listener door(ferry::address::parse("unix:/run/me/door"), {.authkey = key});
///   ferry::connection guest = door.accept();
///
/// Peers prove themselves side by side, so one that is silent keeps no other waiting. One that fails is
/// dropped, told to `on_refused`, and `accept` goes on waiting (where CPython's raises an error). Movable;
/// one thread at a time. A process and its forked copies may accept side by side; peers that one of them has
/// begun to examine wait for that one.
class listener {
 public:
  /// Listens at an address of its own choice, for processes of this machine: `address::any()`.
  /// @throws system_error
  explicit listener(listener_options options = {});
  /// @throws system_error  naming the address; `address_in_use`, with the cure, when a socket file is there
  explicit listener(const address& where, listener_options options = {});
  listener(listener&&) noexcept;
  listener& operator=(listener&&) noexcept;
  ~listener();

  /// Waits until a peer has connected and proved itself.
  /// @throws system_error  `std::errc::bad_file_descriptor` when closed; `std::errc::too_many_files_open`
  /// when
  ///                       descriptors have run out: the peer waits on; what else the system says again and
  ///                       again
  connection accept();
  std::optional<connection> try_accept() { return accept_until(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<connection> accept_for(std::chrono::duration<Rep, Period> time) {
    return accept_until(deadline::after(time));
  }
  /// @returns nothing when `until` has passed, whichever peers come and whatever they send meanwhile
  std::optional<connection> accept_until(deadline until);

  /// Where it listens; with the port or name that was chosen.
  /// @throws system_error  `std::errc::bad_file_descriptor` when closed
  const address& where() const;
  /// Who was accepted last.
  const peer_info& last_accepted() const;

  /// For event loops and `ferry::wait`: readable for as long as `try_accept` has something to do: to accept a
  /// peer, to go on with a handshake, or to give one up. Borrowed. A forked copy has its own.
  /// @throws system_error  `std::errc::bad_file_descriptor` when closed; in a forked copy also
  ///                       `std::errc::too_many_files_open`
  native_handle_type native_handle() const;

  /// Stops listening, and removes the socket file if it is still its own and this process made it.
  /// Connections live on. Does nothing when closed.
  void close() noexcept;
  bool closed() const noexcept { return state_ == nullptr; }

 private:
  class state;
  state& open() const;

  std::unique_ptr<state> state_;
};

struct connect_options {
  /// The listener's key, if it has one.
  std::optional<std::string> authkey = std::nullopt;
  /// Also answer with HMAC-MD5, which is all that CPython 3.11 and before ask for.
  bool allow_md5 = false;
  /// How long the listener may take to prove itself and to accept this side.
  std::chrono::milliseconds handshake_time{10'000};
  /// Options of the connection.
  archive_options archive = {};
};

/// Connects to a listener, of Ferry or of CPython's `multiprocessing.connection`.
/// @param until  for connecting; the handshake has `handshake_time` besides. The name of a host is looked up
///               without regard to it
/// @throws system_error  naming the address; `timed_out` when `until` passed
/// @throws authentication_error  when the listener has another key, asks for what is not allowed, or says
///                               nothing in its time
connection connect(const address& where, const connect_options& options = {},
                   deadline until = deadline::never());

}  // namespace ferry
