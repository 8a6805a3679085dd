// One message, one packet: a header, the bytes, and the handles on it.
#include "channel/local_driver.hpp"

#include <ferry/error.hpp>

#include "channel/handle_bundle.hpp"
#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

/// First in every packet; a packet is never empty, which would read as the end of the stream. Both sides run
/// on one machine, so numbers are in its byte order.
struct packet_header {
  std::uint32_t magic = 0;
  std::uint32_t handle_count = 0;  ///< of the message
  std::uint64_t size = 0;          ///< of the message's bytes
};
constexpr std::uint32_t packet_magic = 0x31504546;  // "FEP1"

/// The largest message whose bytes are in the packet itself.
constexpr std::size_t inline_limit = std::size_t{64} << 10U;

/// Up to this size the bytes are copied to a block of their own; above it the block received into is given
/// away.
constexpr std::size_t copied_limit = inline_limit / 4;

class local_driver final : public driver {
 public:
  explicit local_driver(unique_handle socket) noexcept : socket_(std::move(socket)) {}

  bool send(message& what, deadline until) override {
    if (!post(what.bytes(), what.handles(), until)) return false;
    what = message();
    return true;
  }
  bool send(std::span<const std::byte> bytes, deadline until) override { return post(bytes, {}, until); }
  std::optional<message> receive(const limits& limit, deadline until) override;
  bool readable(deadline until) override { return os::wait_readable(socket_, until); }
  handle_view wait_handle() const noexcept override { return socket_; }
  handle_carriage carriage() const noexcept override { return handle_carriage::direct; }

 private:
  bool post(std::span<const std::byte> bytes, std::span<const unique_handle> handles, deadline until);

  unique_handle socket_;
};

bool local_driver::post(std::span<const std::byte> bytes, std::span<const unique_handle> handles,
                        deadline until) {
  const packet_header header{packet_magic, static_cast<std::uint32_t>(handles.size()), bytes.size()};
  std::vector<handle_view> riders(handles.begin(), handles.end());
  unique_handle bundle;
  if (riders.size() > os::most_handles_per_call) {
    auto packed = pack_handles(riders, until);
    if (!packed) return false;
    bundle = std::move(*packed);
    riders.clear();
    riders.push_back(bundle);
  }
  const std::array parts{std::as_bytes(std::span(&header, 1)), bytes};
  return os::send_packet(socket_, parts, riders, until);
}

std::optional<message> local_driver::receive(const limits& limit, deadline until) {
  // Per thread, because any number of them may receive at once.
  thread_local buffer block;
  if (block.size() < inline_limit) block.extend(inline_limit - block.size());

  packet_header header;
  std::vector<unique_handle> handles;
  const std::array parts{std::as_writable_bytes(std::span(&header, 1)), block.writable_bytes()};
  const auto got = os::receive_packet(socket_, parts, handles, until);
  if (!got) return std::nullopt;
  if (got->bytes == 0) throw end_of_stream("the other end of the connection is closed");
  if (got->bytes < sizeof header || header.magic != packet_magic || got->truncated) {
    throw archive_error("a packet of " + std::to_string(got->bytes) + " bytes is not a message of Ferry");
  }
  check_limits(header.size, header.handle_count, limit);
  handles = claim_handles(std::move(handles), header.handle_count, got->handles_lost);
  if (got->bytes - sizeof header != header.size) {
    throw archive_error("a packet holds " + std::to_string(got->bytes - sizeof header) +
                        " bytes, but announces " + std::to_string(header.size));
  }
  if (header.size > copied_limit) {
    block.truncate(header.size);
    return message(std::exchange(block, buffer()), std::move(handles));
  }
  buffer bytes;
  bytes.append(block.data(), header.size);
  return message(std::move(bytes), std::move(handles));
}

}  // namespace

std::unique_ptr<driver> make_local_driver(unique_handle socket) {
  return std::make_unique<local_driver>(std::move(socket));
}

}  // namespace ferry::channel
