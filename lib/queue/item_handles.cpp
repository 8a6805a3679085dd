// Packets of handles, matched with the items of a queue by their serial numbers.
#include "queue/item_handles.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <array>
#include <cerrno>
#include <utility>

namespace ferry::detail {
namespace {

unique_handle checked_end(unique_handle end) {
  if (os::classify(end) != os::endpoint::packet_socket)
    throw archive_error("a queue arrived whose way for handles is no packet socket");
  return end;
}

}  // namespace

item_handles::item_handles() {
  std::tie(reader_, writer_) = os::packet_socket_pair();
}

item_handles::item_handles(unique_handle reader, unique_handle writer)
    : reader_(checked_end(std::move(reader))), writer_(checked_end(std::move(writer))) {}

bool item_handles::send(std::uint64_t serial, std::span<const handle_view> handles) {
  const std::array<std::span<const std::byte>, 1> part{std::as_bytes(std::span(&serial, 1))};
  return os::send_packet(writer_, part, handles, deadline::immediately());
}

bool item_handles::wait_for_room(deadline until) {
  if (until.expired()) return false;
  // There is an event for a full socket, and none for the user's budget of handles in flight.
  if (os::wait_writable(writer_, deadline::immediately())) return os::retry_pause()(until);
  os::wait_writable(writer_, os::next_heartbeat(until));
  return true;
}

bool item_handles::peek(std::uint64_t serial, std::vector<unique_handle>& into) {
  for (;;) {
    std::uint64_t found = 0;
    const auto size = os::peek_packet(reader_, std::as_writable_bytes(std::span(&found, 1)));
    if (!size || *size != sizeof found || static_cast<std::int64_t>(found - serial) > 0) return false;
    if (found == serial) break;
    os::drop_packet(reader_);
  }
  if (os::peek_handles(reader_, into)) return true;
  into.clear();
  os::throw_system_error(EMFILE, "take an item with handles out of a queue, where it stays");
}

void item_handles::drop() {
  os::drop_packet(reader_);
}

void item_handles::drop_all() {
  while (os::drop_packet(reader_)) {
  }
}

bool item_handles::empty() const {
  return !os::holds_packet(reader_);
}

}  // namespace ferry::detail
