// Shared memory that carries the bytes of a large message.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>

#include "os/memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::channel {

/// First in every segment, in memory that both sides can write. Neither side decides anything by it but
/// whether the segment is free; a peer that writes nonsense spoils its own messages.
struct segment_head {
  /// Which use of the segment is under way; 0: none. Whoever is last to need the bytes sets it back. Where
  /// the message was held during a fork nobody knows who that is, and nobody does.
  std::atomic<std::uint64_t> use;
  /// Number of the last use. In the segment, because a process that forked shares its pool with the child.
  std::atomic<std::uint64_t> last_use;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// One piece of sealed shared memory, mapped for as long as this lives: a head, and room for bytes.
class segment {
 public:
  /// Allocates a new one with room for at least `capacity` bytes.
  /// @throws system_error  when memory or descriptors have run out
  static std::shared_ptr<segment> create(std::size_t capacity);
  /// Maps one that was received.
  /// @throws archive_error  when it is not sealed memory, or not large enough for a head
  static std::shared_ptr<segment> map(handle_view received);

  segment(unique_handle handle, os::mapping memory) noexcept;

  /// The bytes after the head.
  std::span<std::byte> room() const noexcept { return memory_.bytes().subspan(head_size); }
  /// Only for segments made here.
  handle_view handle() const noexcept { return handle_; }

  /// Begins a use if there is none, and holds the segment for writing. @returns its number, or 0
  std::uint64_t try_begin_use() noexcept;
  /// The bytes are written. Nobody else in this process gets the segment before, whatever a peer does to its
  /// head.
  void stop_writing() noexcept { being_written_.store(false, std::memory_order_release); }
  void end_use(std::uint64_t use) noexcept;

 private:
  /// Of the head; keeps the bytes on a cache line of their own, and aligned.
  static constexpr std::size_t head_size = 64;
  static_assert(sizeof(segment_head) <= head_size);

  segment_head& head() const noexcept;

  unique_handle handle_;
  os::mapping memory_;
  std::atomic<bool> being_written_ = false;
};

/// How often this process has forked since it has had a segment. A process and its copy have the same count
/// at first.
std::uint64_t forks_so_far() noexcept;

/// The bytes of a message in a segment. The use ends with it, unless it was handed over, or another process
/// has a copy by now. (Its segment is let go of by its owner in time, as are those of the dead.)
class segment_use final : public buffer::external {
 public:
  segment_use(std::shared_ptr<segment> where, std::uint64_t number, std::size_t size,
              std::uint64_t pool) noexcept
      : external(where->room().first(size)), where_(std::move(where)), number_(number), pool_(pool) {}
  ~segment_use() override {
    if (number_ == 0) return;
    if (forks_ == forks_so_far()) where_->end_use(number_);
    where_->stop_writing();
  }

  std::uint64_t number() const noexcept { return number_; }
  /// Which pool it was made by; 0: received.
  std::uint64_t pool() const noexcept { return pool_; }
  handle_view handle() const noexcept { return where_->handle(); }
  /// From here on it is for the receiver to end the use.
  void hand_over() noexcept {
    number_ = 0;
    where_->stop_writing();
  }

 private:
  std::shared_ptr<segment> where_;
  std::uint64_t number_;
  std::uint64_t pool_;
  std::uint64_t forks_ = forks_so_far();
};

}  // namespace ferry::channel
