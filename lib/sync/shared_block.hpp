// SPDX-License-Identifier: BSL-1.0
// The memory behind an arena, mapped once in each process.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/handle.hpp>

#include "os/memory.hpp"
#include "os/roll.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::detail {

/// Sealed shared memory that begins with a head and is handed out piece by piece, never back. A process that
/// is killed while it takes a piece costs at most that piece. Behind the pieces there is a roll of the
/// processes that have something of them.
///
/// While this process holds a lock or an owned permit in it, it stays mapped even when nothing refers to it
/// any more: the kernel keeps a list of the locks of each thread, through the addresses at which they were
/// locked.
class shared_block {
 public:
  /// Allocates one with room for `size` bytes.
  /// @param seats  in its roll; 0: nothing in it has an owner
  static std::shared_ptr<shared_block> create(std::size_t size, std::size_t seats);
  /// The block behind a handle that arrived; the one that is mapped already, if there is.
  /// @throws archive_error  when it is no such block
  static std::shared_ptr<shared_block> adopt(unique_handle memory);

  /// @throws archive_error  when the memory is too small for the roll that it says it has
  shared_block(unique_handle handle, os::mapping memory);
  shared_block(const shared_block&) = delete;
  shared_block& operator=(const shared_block&) = delete;

  handle_view handle() const noexcept { return handle_; }
  std::byte* begin() const noexcept { return memory_.bytes().data(); }
  /// In bytes, without the head and the roll.
  std::size_t size() const noexcept { return size_; }
  std::size_t used() const noexcept;

  /// Zeros, `size` of them, on cache lines of their own.
  /// @throws system_error  when there is not that much left
  std::byte* take(shared_kind kind, std::size_t size);
  /// What was taken under that kind and size.
  /// @throws archive_error  when there is no such thing
  std::byte* find(std::uint64_t offset, shared_kind kind, std::size_t size) const;
  os::roll& roll() noexcept { return roll_; }
  /// Whether a thread of this process holds a lock in it, or this process an owned permit.
  bool is_held_by_this_process() const noexcept;

 private:
  static constexpr std::size_t line = 64, head_size = line;

  struct head;
  head& first() const noexcept;
  /// The memory between the head and the roll.
  std::span<std::byte> pieces() const noexcept { return memory_.bytes().subspan(head_size, size_); }
  // Makes it known in this process. With the lock of the known ones held.
  static std::shared_ptr<shared_block> remember(std::unique_ptr<shared_block> block);
  // What the last reference does.
  static void retire(std::unique_ptr<shared_block> block) noexcept;

  unique_handle handle_;
  os::mapping memory_;
  os::memory_identity identity_;
  std::size_t size_;
  os::roll roll_;
};

}  // namespace ferry::detail
