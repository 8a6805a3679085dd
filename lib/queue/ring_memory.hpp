// SPDX-License-Identifier: BSL-1.0
// The memory of a queue: its head, and its rings as they are allocated, mapped and given back.
#pragma once

#include <ferry/handle.hpp>

#include "os/memory.hpp"
#include "os/roll.hpp"
#include "queue/ring_layout.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ferry::detail {

/// Thread-safe. Every process maps the head when it gets the queue, and each ring when it first comes there.
class ring_memory {
 public:
  /// New memory with an empty first ring.
  /// @throws system_error  when memory or descriptors have run out
  ring_memory(std::uint64_t max_items, std::uint64_t max_bytes);
  /// Memory that arrived.
  /// @throws archive_error  when it is not the memory of a queue
  explicit ring_memory(unique_handle memory);
  ~ring_memory();
  ring_memory(const ring_memory&) = delete;
  ring_memory& operator=(const ring_memory&) = delete;

  handle_view handle() const noexcept { return handle_; }
  ring_head& head() const noexcept { return *head_; }

  /// The records of a ring that has been allocated, mirrored: what begins in the first `ring_size(ring)`
  /// bytes goes on behind them.
  /// @throws system_error  when there is no room for it in the address space
  /// @throws archive_error  when there is no such ring: others have written nonsense
  std::byte* at(std::uint32_t ring) {
    std::byte* const known = ring < rings_.size() ? rings_[ring].load(std::memory_order_acquire) : nullptr;
    return known != nullptr ? known : map(ring);
  }
  /// Of the processes that have leases.
  /// @throws system_error  when memory has run out
  os::roll& roll();
  /// Has the roll, and this process's seat in it, outlive this object.
  void stay_seated() noexcept;

  /// @throws system_error  when there is not that much memory; nothing has changed then
  void allocate(std::uint32_t ring);
  /// Gives a ring back to the system; it must not hold anything.
  void release(std::uint32_t ring) noexcept;
  /// Gives back what was allocated after `ring`.
  void release_after(std::uint32_t ring) noexcept;

 private:
  std::byte* map(std::uint32_t ring);
  void map_head();

  unique_handle handle_;
  os::mapping mapped_head_;
  ring_head* head_ = nullptr;
  std::unique_ptr<os::roll> roll_;  // in the head
  std::atomic<bool> is_roll_allocated_{false};
  std::array<std::atomic<std::byte*>, ring_head::ring_count> rings_{};
};

/// @throws archive_error  saying that others have written nonsense into the memory of a queue, namely `what`
[[noreturn]] void throw_damaged(const char* what);

}  // namespace ferry::detail
