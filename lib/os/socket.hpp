// SPDX-License-Identifier: BSL-1.0
// Sockets and pipes as carriers use them: pairs, packets with handles, and streams.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ferry::os {

/// Handles that one system call can carry: SCM_MAX_FD of Linux.
inline constexpr std::size_t most_handles_per_call = 253;

/// What a handle is, as far as moving messages goes.
enum class endpoint {
  packet_socket,   ///< keeps packets whole, carries handles
  local_stream,    ///< bytes and handles
  network_stream,  ///< bytes
  pipe,            ///< bytes, one way
};

/// @throws system_error  when `handle` is not open, or is of another kind
endpoint classify(handle_view handle);

using handle_pair = std::pair<unique_handle, unique_handle>;
handle_pair packet_socket_pair();
handle_pair stream_socket_pair();
/// The reading end, then the writing end.
handle_pair plain_pipe();

enum class direction { receiving, sending, both };
/// Ends one direction of a socket, or both, for every process that shares it.
void shut_down(handle_view socket, direction which);

/// Bounds each blocking receive on `socket`, in any process, to `longest` (SO_RCVTIMEO); after that the
/// caller falls back to poll, which wakes every waiter.
void limit_receiving_sleep(handle_view socket, std::chrono::milliseconds longest);

/// Whether there is something to receive on a packet socket; the end of the stream does not count, nor do
/// packets of no bytes.
bool holds_packet(handle_view socket);

/// Whether the other end of a pair was closed before everything was received there. Told once.
bool was_closed_unread(handle_view socket) noexcept;

/// Whether a packet socket has nothing more to give: no process can send to it, and everything has been
/// received. (A packet without bytes looks like this to who receives it.)
bool at_end(handle_view socket);

/// Pieces of memory to be sent as if they were one.
using gather = std::span<const std::span<const std::byte>>;
using scatter = std::span<const std::span<std::byte>>;

/// Sends `parts` as one packet, with `handles` on it. Waits while the user has more handles in flight than
/// the system allows, for which there is no event.
/// @param handles  at most `most_handles_per_call`
/// @returns false when `until` passed; nothing was sent then
/// @throws end_of_stream  when the other end is closed
bool send_packet(handle_view socket, gather parts, std::span<const handle_view> handles, deadline until);

/// The beginning of the next packet, which stays where it is; its handles are not looked at. Packets without
/// bytes are passed over, here and in what follows.
/// @returns how many bytes of `into` were filled, nothing when there is no packet
std::optional<std::size_t> peek_packet(handle_view socket, std::span<std::byte> into);
/// Duplicates of the handles of the next packet, which stays where it is.
/// @returns whether there was room for all of them; `handles` gets those there was room for
bool peek_handles(handle_view socket, std::vector<unique_handle>& handles);
/// From here on peeks advance through queued packets without consuming them, and find nothing behind the
/// last.
/// @param skip  bytes of packets to begin behind: whole packets
void peek_one_after_the_other(handle_view socket, std::size_t skip = 0);
/// Drops the next packet with its handles, if there is one. Takes no descriptors.
/// @returns whether there was one
bool drop_packet(handle_view socket);

/// What came with one receiving call.
struct arrival {
  std::size_t bytes = 0;      ///< 0: the end of the stream; of packets, see `at_end`
  bool truncated = false;     ///< the packet was longer than the memory given; its end is gone
  bool handles_lost = false;  ///< this process could not take all handles
};

/// Receives one packet, or what there is of a stream.
/// @param handles  gets what came with it, close-on-exec
/// @returns nothing when `until` passed
std::optional<arrival> receive_packet(handle_view socket, scatter parts, std::vector<unique_handle>& handles,
                                      deadline until);

}  // namespace ferry::os
