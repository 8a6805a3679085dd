// SPDX-License-Identifier: BSL-1.0
// One message, one packet: a header, the bytes, and the handles on it.
#include "channel/local_driver.hpp"

#include <ferry/detail/archive/scratch_message.hpp>
#include <ferry/detail/base/copy.hpp>
#include <ferry/error.hpp>

#include "channel/segment_pool.hpp"
#include "handles/handle_bundle.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

/// First in every packet of Ferry; an empty one would read as the end of the stream. Both sides run on one
/// machine, so numbers are in its byte order.
struct packet_header {
  std::uint32_t magic = 0;
  std::uint32_t handle_count = 0;  ///< of the message
  std::uint64_t size = 0;          ///< of the message's bytes
  std::uint64_t segment_use =
      0;  ///< number of the use of the segment that the bytes are in; 0: they follow here
};
constexpr std::uint32_t packet_magic = 0x31504546;  // "FEP1"

/// The largest message whose bytes are in the packet itself.
constexpr std::size_t inline_limit = std::size_t{64} << 10U;

/// Up to this size the bytes are copied to a block of their own; above it the block received into is given
/// away.
constexpr std::size_t copied_limit = inline_limit / 4;

/// Up to this size header and bytes are put together before they are sent: one block costs the system less
/// than two.
constexpr std::size_t joined_limit = 1024;

/// Bytes without meaning that a packet has with it when its message is in a segment: the kernel counts them
/// against the socket's buffer, and so bounds the memory in flight without any process having to wait for a
/// word from a process that may be dead. At 8 KiB and the default buffer of 208 KiB about 24 messages are in
/// flight.
std::span<const std::byte> padding(std::size_t message_size) {
  static constexpr std::array<std::byte, inline_limit> bytes{};
  constexpr std::size_t least = std::size_t{8} << 10U;
  return std::span(bytes).first(std::clamp(message_size / 64, least, bytes.size()));
}

class local_driver final : public driver {
 public:
  explicit local_driver(unique_handle socket) noexcept : socket_(std::move(socket)), pool_(inline_limit) {}

  bool send(const message_view& what, deadline until) override;
  bool hand_over(message& what, deadline until) override;
  std::optional<message> receive(const limits& limit, deadline until) override;
  bool readable(deadline until) override { return os::wait_readable(socket_, until); }
  handle_view wait_handle() const noexcept override { return socket_; }
  handle_view end() const override { return socket_; }
  handle_carriage carriage() const noexcept override { return handle_carriage::direct; }
  buffer::source* memory() noexcept override { return &pool_; }

 private:
  bool send_inline(std::span<const std::byte> bytes, std::span<const unique_handle> handles, deadline until);
  bool send_copied(std::span<const std::byte> bytes, std::span<const unique_handle> handles, deadline until);
  bool send_segment(segment_use& use, std::size_t size, std::span<const unique_handle> handles,
                    deadline until);
  bool post(const packet_header& header, std::span<const std::byte> rest, std::vector<handle_view> leading,
            std::span<const unique_handle> handles, deadline until);

  unique_handle socket_;
  segment_pool pool_;
  segment_cache mapped_;
};

bool local_driver::send(const message_view& what, deadline until) {
  return what.bytes.size() <= inline_limit ? send_inline(what.bytes, what.handles, until)
                                           : send_copied(what.bytes, what.handles, until);
}

bool local_driver::hand_over(message& what, deadline until) {
  const std::size_t size = what.bytes().size();
  segment_use* const use = size > inline_limit ? pool_.own_use(what.storage()) : nullptr;
  const bool sent = use != nullptr ? send_segment(*use, size, what.handles(), until) : send(what, until);
  if (sent) what = message();
  return sent;
}

bool local_driver::send_inline(std::span<const std::byte> bytes, std::span<const unique_handle> handles,
                               deadline until) {
  const packet_header header{packet_magic, static_cast<std::uint32_t>(handles.size()), bytes.size(), 0};
  if (!handles.empty() || bytes.size() > joined_limit) return post(header, bytes, {}, handles, until);
  std::array<std::byte, sizeof header + joined_limit> packet;
  std::memcpy(packet.data(), &header, sizeof header);
  if (!bytes.empty()) std::memcpy(packet.data() + sizeof header, bytes.data(), bytes.size());
  const std::array part{std::span<const std::byte>(packet).first(sizeof header + bytes.size())};
  return os::send_packet(socket_, part, {}, until);
}

bool local_driver::send_copied(std::span<const std::byte> bytes, std::span<const unique_handle> handles,
                               deadline until) {
  const auto use = pool_.use(bytes.size());
  detail::copy_bytes(use->memory().data(), bytes.data(), bytes.size());
  return send_segment(*use, bytes.size(), handles, until);
}

bool local_driver::send_segment(segment_use& use, std::size_t size, std::span<const unique_handle> handles,
                                deadline until) {
  // The handles of the segment and its board are with every packet that uses them: the process that has them
  // mapped already may not be the one that takes the packet.
  const packet_header header{packet_magic, static_cast<std::uint32_t>(handles.size()), size, use.number()};
  if (!post(header, padding(size), {use.handle(), use.board()}, handles, until)) return false;
  use.hand_over();
  return true;
}

/// @param leading  go before `handles`
bool local_driver::post(const packet_header& header, std::span<const std::byte> rest,
                        std::vector<handle_view> leading, std::span<const unique_handle> handles,
                        deadline until) {
  unique_handle bundle;
  if (leading.size() + handles.size() > os::most_handles_per_call) {
    auto packed = detail::pack_handles(std::vector<handle_view>(handles.begin(), handles.end()), until);
    if (!packed) return false;
    bundle = std::move(*packed);
    leading.push_back(bundle);
  } else {
    leading.insert(leading.end(), handles.begin(), handles.end());
  }
  const std::array parts{std::as_bytes(std::span(&header, 1)), rest};
  return os::send_packet(socket_, parts, leading, until);
}

std::optional<message> local_driver::receive(const limits& limit, deadline until) {
  detail::scratch_message scratch;
  buffer& block = scratch.what.storage();
  block.extend(sizeof(packet_header) + inline_limit);

  // Header and bytes into one piece: two cost the system more, which a small packet notices.
  packet_header header;
  os::received_handles came;
  const std::array parts{block.writable_bytes()};
  const auto got = os::receive_packet(socket_, parts, came.list, until);
  if (!got) return std::nullopt;
  if (got->bytes == 0 && os::at_end(socket_))
    throw end_of_stream("the other end of the connection is closed");
  std::memcpy(&header, block.data(), sizeof header);
  if (got->bytes < sizeof header || header.magic != packet_magic || got->truncated) {
    throw archive_error("a packet of " + std::to_string(got->bytes) + " bytes is not a message of Ferry");
  }
  os::received_handles memory;  // a segment and its board
  if (header.segment_use != 0 && came.list.size() >= 2) {
    const auto rest = came.list.begin() + 2;
    memory.list.assign(std::make_move_iterator(came.list.begin()), std::make_move_iterator(rest));
    came.list.erase(came.list.begin(), rest);
  }
  check_limits(header.size, header.handle_count, limit);
  os::received_handles handles;
  handles.list = detail::claim_handles(std::move(came), header.handle_count, got->handles_lost);
  if (header.segment_use != 0) {
    if (memory.list.empty())
      throw archive_error("a message claims to be in shared memory, but came without it");
    return message(
        buffer(mapped_.use(memory.list[0], memory.list[1], header.segment_use, header.size), header.size),
        handles.take());
  }
  if (got->bytes - sizeof header != header.size) {
    throw archive_error("a packet holds " + std::to_string(got->bytes - sizeof header) +
                        " bytes, but announces " + std::to_string(header.size));
  }
  if (header.size > copied_limit) {
    std::memmove(block.data(), block.data() + sizeof header, header.size);
    block.truncate(header.size);
    return message(std::move(block), handles.take());
  }
  buffer bytes;
  bytes.append(block.data() + sizeof header, header.size);
  return message(std::move(bytes), handles.take());
}

}  // namespace

std::unique_ptr<driver> make_local_driver(unique_handle socket) {
  return std::make_unique<local_driver>(std::move(socket));
}

}  // namespace ferry::channel
