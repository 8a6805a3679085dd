// SPDX-License-Identifier: BSL-1.0
// The board in shared memory on which receivers release the segments of a sender.
#pragma once

#include <ferry/handle.hpp>

#include "os/memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::channel {

/// Memory beside the segments of a sender, for the one thing that receivers write: in the slot of a segment,
/// the number of the use that is over. The numbers are random, so a receiver knows those of its own messages
/// alone. Thread-safe.
class release_board {
 public:
  static constexpr std::size_t slots = 512;

  /// @throws system_error  when memory or descriptors have run out
  static std::shared_ptr<release_board> create();
  /// Maps one that was received.
  /// @throws archive_error  when it is no board
  static std::shared_ptr<release_board> map(handle_view received);

  release_board(unique_handle handle, os::mapping memory) noexcept;

  std::atomic<std::uint64_t>& operator[](std::size_t slot) const noexcept;
  /// Only for boards made here.
  handle_view handle() const noexcept { return handle_; }

 private:
  unique_handle handle_;
  os::mapping memory_;
};

}  // namespace ferry::channel
