// SPDX-License-Identifier: BSL-1.0
// Packets of handles, matched with the items of a queue by their serial numbers.
#include "queue/item_handles.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "queue/checked_end.hpp"

#include <array>
#include <utility>

namespace ferry::detail {
namespace {

constexpr const char* no_way_for_handles = "a queue arrived whose way for handles is no packet socket";

/// Far more packets than a socket holds: who finds more at once is being kept busy.
constexpr std::size_t most_packets = std::size_t{1} << 16U;
constexpr const char* endless = "there is no end of handles that belong to no item";

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

std::optional<std::uint64_t> item_handles::look() const {
  std::uint64_t serial = 0;
  const auto size = os::peek_packet(reader_, std::as_writable_bytes(std::span(&serial, 1)));
  if (!size) return std::nullopt;
  if (*size != sizeof serial) throw_damaged("its handles say nothing of their items");
  return serial;
}

std::optional<std::uint64_t> item_handles::tidy_front(ring::consumer& items) {
  for (std::size_t left = most_packets; left != 0; --left) {
    os::peek_one_after_the_other(reader_);
    const auto first = look();
    if (!first || items.is_live(*first)) return first;
    os::drop_packet(reader_);
  }
  throw_damaged(endless);
}

// Sent before it is dropped: killed in between, there are two of them, which does no harm. The other way
// round it would be gone.
bool item_handles::move_to_the_end(std::uint64_t serial) {
  std::vector<unique_handle> handles;
  os::peek_one_after_the_other(reader_);
  if (!os::peek_handles(reader_, handles)) return false;
  if (!send(serial, std::vector<handle_view>(handles.begin(), handles.end()))) return false;
  os::drop_packet(reader_);
  return true;
}

bool item_handles::peek(std::uint64_t serial, ring::consumer& items, std::vector<unique_handle>& into) {
  std::size_t before = 0;
  for (auto found = tidy_front(items); found != serial; found = look()) {
    if (!found) return false;
    before += sizeof serial;
  }
  os::peek_one_after_the_other(reader_, before);
  if (os::peek_handles(reader_, into)) return true;
  into.clear();
  os::throw_system_error(std::errc::too_many_files_open,
                         "take an item with handles out of a queue, where it stays");
}

bool item_handles::peek_first(std::uint64_t serial, std::vector<unique_handle>& into) {
  os::peek_one_after_the_other(reader_);
  return look() == serial && (os::peek_one_after_the_other(reader_), os::peek_handles(reader_, into));
}

void item_handles::drop_first(std::uint64_t serial) noexcept {
  try {
    os::peek_one_after_the_other(reader_);
    if (look() == serial) os::drop_packet(reader_);
  } catch (const error&) {
    // The next process that looks at it is told.
  }
}

void item_handles::drop(std::uint64_t serial, ring::consumer& items) noexcept {
  try {
    std::optional<std::uint64_t> first_moved;
    for (std::size_t left = most_packets; left != 0; --left) {
      os::peek_one_after_the_other(reader_);
      const auto first = look();
      if (!first || first == first_moved) return;
      if (first == serial || !items.is_live(*first)) {
        os::drop_packet(reader_);
        if (first == serial) return;
      } else {
        if (!move_to_the_end(*first)) return;
        if (!first_moved) first_moved = first;
      }
    }
  } catch (...) {
    // It belongs to no item any more, and is dropped by those who come upon it.
  }
}

void item_handles::drop_all() {
  for (std::size_t left = most_packets; left != 0 && os::drop_packet(reader_); --left) {
  }
}

void item_handles::drop_older(std::uint64_t serial) {
  for (std::size_t left = most_packets; left != 0; --left) {
    os::peek_one_after_the_other(reader_);
    const auto first = look();
    if (!first || static_cast<std::int64_t>(*first - serial) >= 0) return;
    os::drop_packet(reader_);
  }
}

bool item_handles::empty() const {
  return !os::holds_packet(reader_);
}

}  // namespace ferry::detail
