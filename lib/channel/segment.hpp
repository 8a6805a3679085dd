// SPDX-License-Identifier: BSL-1.0
// Shared memory that carries the bytes of a large message.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>

#include "base/fork.hpp"
#include "channel/release_board.hpp"
#include "os/memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::channel {

/// What the pool of a sender knows of one of its segments: the number of the use that is under way; 0: none.
/// In memory that the pool's process shares with its forked copies, which have the same segments, and with no
/// other process.
using segment_state = std::atomic<std::uint64_t>;
static_assert(segment_state::is_always_lock_free);

/// One piece of sealed shared memory, mapped for as long as this lives: a head, and room for bytes. Only the
/// sender can write it: a process that has read a message can neither change that one, which another may
/// read, nor those that the segment carries later. When it has been read is said on a board.
class segment {
 public:
  /// Allocates a new one with room for at least `capacity` bytes.
  /// @param slot  on the board
  /// @throws system_error  when memory or descriptors have run out
  static std::shared_ptr<segment> create(std::size_t capacity, std::shared_ptr<release_board> board,
                                         std::size_t slot, segment_state& state);
  /// Maps one that was received.
  /// @throws archive_error  when it is not sealed memory, or not large enough for a head
  static std::shared_ptr<segment> map(handle_view received, std::shared_ptr<release_board> board);

  segment(unique_handle handle, os::mapping memory, std::shared_ptr<release_board> board, std::size_t slot,
          segment_state* state) noexcept;

  /// The bytes after the head.
  std::span<std::byte> room() const noexcept { return memory_.bytes().subspan(head_size); }
  /// Only for segments made here.
  handle_view handle() const noexcept { return handle_; }
  handle_view board() const noexcept { return board_->handle(); }
  const std::shared_ptr<release_board>& shared_board() const noexcept { return board_; }

  /// Begins a use if none has begun, and holds the segment for writing. Only for segments made here.
  /// @returns its number, or 0
  std::uint64_t try_begin_use();
  /// The bytes are written. No other thread of this process gets the segment before, whatever a peer says.
  void stop_writing() noexcept { being_written_.store(false, std::memory_order_release); }
  void end_use(std::uint64_t use) noexcept;

 private:
  /// Keeps the bytes on a cache line of their own, and aligned.
  static constexpr std::size_t head_size = 64;
  /// In the head: the slot on the board.
  using head = std::uint64_t;
  static_assert(sizeof(head) <= head_size);

  unique_handle handle_;
  os::mapping memory_;
  std::shared_ptr<release_board> board_;
  std::size_t slot_;
  segment_state* state_;  // null: received
  std::atomic<bool> being_written_ = false;
};

/// The bytes of a message in a segment. The use ends with it, unless it was handed over, or another process
/// has a copy by now. (Its segment is let go of by its owner in time, as are those of the dead.)
class segment_use final : public buffer::external {
 public:
  segment_use(std::shared_ptr<segment> where, std::uint64_t number, std::size_t size,
              std::uint64_t pool) noexcept
      : external(where->room().first(size)), where_(std::move(where)), number_(number), pool_(pool) {}
  ~segment_use() override {
    if (number_ == 0) return;
    if (forks_ == detail::fork_count()) where_->end_use(number_);
    where_->stop_writing();
  }

  std::uint64_t number() const noexcept { return number_; }
  /// Which pool it was made by; 0: received.
  std::uint64_t pool() const noexcept { return pool_; }
  handle_view handle() const noexcept { return where_->handle(); }
  handle_view board() const noexcept { return where_->board(); }
  /// From here on it is for the receiver to end the use.
  void hand_over() noexcept {
    number_ = 0;
    where_->stop_writing();
  }

 private:
  std::shared_ptr<segment> where_;
  std::uint64_t number_;
  std::uint64_t pool_;
  std::uint64_t forks_ = detail::fork_count();
};

}  // namespace ferry::channel
