// SPDX-License-Identifier: BSL-1.0
// One direction between a pool and a worker: records with their handles.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include "queue/item_handles.hpp"
#include "queue/record_queue.hpp"
#include "queue/ring.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace ferry::detail {

/// A record queue between two ends. One process puts, the other takes; the one that puts may take back what
/// the other has not taken, if the channel is recallable. Each end survives the other's death, and what the
/// other writes to the memory; the one that puts waits for nothing that the other does. To be used by one
/// thread at a time.
class record_channel {
 public:
  using sharing = record_queue::sharing;

  /// @param among  recallable, or one to one
  /// @param handles  this process's end of a socket for both channels of a worker
  record_channel(sharing among, std::shared_ptr<item_handles> handles)
      : records_(among, std::move(handles)) {}
  /// @throws archive_error  when the memory is no ring
  record_channel(unique_handle memory, sharing among, std::shared_ptr<item_handles> handles)
      : records_(std::move(memory), among, std::move(handles)) {}

  /// Puts a record, a copy of what is given.
  /// @returns false when it could not be done until then, for lack of room for handles
  /// @throws system_error  when memory or descriptors have run out; nothing was put
  /// @throws end_of_stream  when the other side has made it unusable
  bool put(const message_view& record, deadline until);
  /// Takes the next record.
  /// @param most  bytes and handles that it may have
  /// @returns false when none came until then
  /// @throws end_of_stream  when the channel is closed and empty
  /// @throws archive_error  when what is there is no record, or has more than it may: nothing of it is copied
  /// @throws system_error  when there are no descriptors for its handles; it is lost then, but for its bytes
  /// @throws std::bad_alloc  when there is no memory for it; it is lost then, but for its title
  bool get(message& into, deadline until, const limits& most);
  /// Drops what has not been taken, which is what was put last.
  /// @param most  records that there can be
  /// @returns how many records; nothing when the other side is just taking, or holds the lock for ever
  /// @throws archive_error  when there are more, or what is there is no record
  std::optional<std::size_t> take_back(std::size_t most);
  /// To be called before that when the process that takes has ended.
  void taker_has_ended() noexcept { records_.items().taker_has_ended(); }
  void close() {
    records_.close(false, [] {});
  }

  /// Words beside the ring, for notes of either side about it.
  std::span<std::atomic<std::uint64_t>, ring_head::note_count> notes() const noexcept {
    return records_.items().head().notes;
  }
  handle_view memory() const noexcept { return records_.memory(); }

 private:
  record_queue records_;
};

}  // namespace ferry::detail
