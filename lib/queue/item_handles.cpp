// Packets of handles, matched with the items of a queue by their serial numbers.
#include "queue/item_handles.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "queue/checked_end.hpp"

#include <array>
#include <cerrno>
#include <utility>

namespace ferry::detail {
namespace {

constexpr const char* no_way_for_handles = "a queue arrived whose way for handles is no packet socket";

}  // namespace

item_handles::item_handles() {
  std::tie(reader_, writer_) = os::packet_socket_pair();
}

item_handles::item_handles(unique_handle reader, unique_handle writer)
    : reader_(checked_end(std::move(reader), no_way_for_handles)),
      writer_(checked_end(std::move(writer), no_way_for_handles)) {}

item_handles::item_handles(unique_handle end) : reader_(checked_end(std::move(end), no_way_for_handles)) {}

bool item_handles::send(std::uint64_t serial, std::span<const handle_view> handles) {
  const std::array<std::span<const std::byte>, 1> part{std::as_bytes(std::span(&serial, 1))};
  return os::send_packet(writer(), part, handles, deadline::immediately());
}

bool item_handles::wait_for_room(deadline until) {
  if (until.expired()) return false;
  // There is an event for a full socket, and none for the user's budget of handles in flight.
  if (os::wait_writable(writer(), deadline::immediately())) return os::retry_pause()(until);
  os::wait_writable(writer(), os::next_heartbeat(until));
  return true;
}

bool item_handles::find(std::uint64_t serial, ring::consumer& items) {
  std::uint64_t first_moved = 0;
  for (;;) {
    std::uint64_t found = 0;
    const auto size = os::peek_packet(reader_, std::as_writable_bytes(std::span(&found, 1)));
    if (!size) return false;
    if (*size != sizeof found) throw_damaged("its handles say nothing of their items");
    if (found == serial) return true;
    if (!items.is_live(found)) {
      os::drop_packet(reader_);
      continue;
    }
    if (found == first_moved) return false;
    if (first_moved == 0) first_moved = found;
    move_to_the_end(found);
  }
}

void item_handles::move_to_the_end(std::uint64_t serial) {
  std::vector<unique_handle> handles;
  if (!os::peek_handles(reader_, handles))
    os::throw_system_error(EMFILE, "look for the handles of an item in a queue, where it stays");
  const std::vector<handle_view> views(handles.begin(), handles.end());
  // Sent before it is dropped: killed in between, there are two of them, which harms nobody. Only where the
  // socket is full it is the other way round.
  const bool sent = send(serial, views);
  os::drop_packet(reader_);
  if (!sent) send(serial, views);
}

bool item_handles::peek(std::uint64_t serial, ring::consumer& items, std::vector<unique_handle>& into) {
  if (!find(serial, items)) return false;
  if (os::peek_handles(reader_, into)) return true;
  into.clear();
  os::throw_system_error(EMFILE, "take an item with handles out of a queue, where it stays");
}

void item_handles::drop(std::uint64_t serial, ring::consumer& items) {
  if (find(serial, items)) drop();
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
