// SPDX-License-Identifier: BSL-1.0
// The handles of items, which travel beside the ring.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include "queue/ring.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ferry::detail {

/// A packet socket with the handles of those items in a queue that have some: one packet each, which says to
/// which item it belongs. A producer sends the packet before it commits the item, a consumer drops it after
/// it has taken the item, or, under a lease, when it is done with it: so a packet without an item is what a
/// killed process left, and is dropped by the next who comes upon it; and an item is never without its
/// packet.
///
/// The packets are in the order of their items, but for those of items under leases, which go to the end when
/// one behind them is to be dropped. Where they find no room there, that one stays, and is dropped when it
/// comes to the front.
class item_handles {
 public:
  item_handles();
  /// @throws archive_error  unless they are packet sockets
  item_handles(unique_handle reader, unique_handle writer);
  /// One end of a socket that goes both ways: what is sent comes out at the other end.
  explicit item_handles(unique_handle end);

  /// Under the producers' lock. Does not wait.
  /// @returns false when the system takes no further handles for now
  bool send(std::uint64_t serial, std::span<const handle_view> handles);
  /// Waits until `send` may work.
  /// @returns false when `until` has passed
  bool wait_for_room(deadline until);

  /// Under the consumers' lock: gets duplicates of the handles of an item, and drops what belongs to none.
  /// @returns false when they are not there
  /// @throws system_error  when this process has no descriptors left; nothing is lost
  bool peek(std::uint64_t serial, ring::consumer& items, std::vector<unique_handle>& into);
  /// The same where one end puts and one takes, so that the packet of the item is the first one.
  bool peek_first(std::uint64_t serial, std::vector<unique_handle>& into);
  void drop_first(std::uint64_t serial) noexcept;
  /// Drops the packet of an item that is done with, wherever it is; later, if that cannot be now.
  void drop(std::uint64_t serial, ring::consumer& items) noexcept;
  /// Under both locks, when the queue is empty.
  void drop_all();
  /// Under the consumers' lock: drops those in front whose items were begun before that one.
  void drop_older(std::uint64_t serial);
  bool empty() const;

  handle_view reader() const noexcept { return reader_; }
  handle_view writer() const noexcept { return writer_.valid() ? writer_ : reader_; }

 private:
  /// Serial of the first packet, or of the next one to look at. @returns nothing when there is no packet
  std::optional<std::uint64_t> look() const;
  /// Drops what is in front and belongs to no item. @returns serial of the first packet then
  std::optional<std::uint64_t> tidy_front(ring::consumer& items);
  bool move_to_the_end(std::uint64_t serial);

  unique_handle reader_, writer_;
};

}  // namespace ferry::detail
