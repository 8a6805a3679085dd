// SPDX-License-Identifier: BSL-1.0
// Segments that are used again: by the sender to write, by the receiver to keep them mapped.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>

#include "channel/segment.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ferry::channel {

/// How much shared memory one end of a connection keeps for messages to come. In use there may be more.
namespace pool_limit {
/// More than are ever in flight at once: local_driver.cpp pads large messages to bound that.
inline constexpr std::size_t segments = 32;
inline constexpr std::size_t bytes = std::size_t{128} << 20U;
/// Larger segments are used once: allocating is cheap beside filling them.
inline constexpr std::size_t largest = bytes / 2;
}  // namespace pool_limit

/// The segments a sender writes large messages to. It belongs to one connection. Thread-safe, and safe to be
/// used by a forked child as well.
///
/// The oldest segment is let go of when there are too many, whether it is in use or not. So one whose
/// receiver died, and who can no longer say that it is free, is lost only for a while.
class segment_pool final : public buffer::source {
 public:
  /// @param threshold  size in bytes up to which the heap serves better
  explicit segment_pool(std::size_t threshold) noexcept;

  /// A segment with room for `size` bytes or more.
  /// @throws system_error  when memory or descriptors have run out
  buffer allocate(std::size_t size) override { return {use(size), 0}; }
  std::unique_ptr<segment_use> use(std::size_t size);

  /// The use that `bytes` are in, if it is of this pool; else null.
  segment_use* own_use(const buffer& bytes) const noexcept;

 private:
  /// What all segments have in common, made with the first.
  struct books {
    std::shared_ptr<release_board> board = release_board::create();
    os::mapping states;  // one for each slot on the board
    std::size_t next_slot = 0;

    books();
    segment_state& state_of(std::size_t slot) const noexcept;
  };

  std::shared_ptr<segment> make(std::size_t size);
  std::unique_ptr<segment_use> find(std::size_t size);
  void keep(std::shared_ptr<segment> fresh);

  const std::uint64_t id_;
  std::mutex mutex_;
  std::shared_ptr<books> books_;
  std::vector<std::shared_ptr<segment>> segments_;  // oldest first
};

/// The segments that a receiver has mapped. Thread-safe.
class segment_cache {
 public:
  /// The bytes of a message in a segment that was received.
  /// @param board  that came with it
  /// @param number  of the use
  /// @throws archive_error  when it is not a segment, or has less than `size` bytes
  std::unique_ptr<buffer::external> use(handle_view received, handle_view board, std::uint64_t number,
                                        std::size_t size);

 private:
  struct entry {
    os::memory_identity identity, board;
    std::shared_ptr<segment> mapped;
  };
  std::shared_ptr<segment> find_or_map(handle_view received, handle_view board);

  std::mutex mutex_;
  std::vector<entry> entries_;  // least recently used first
};

}  // namespace ferry::channel
