// SPDX-License-Identifier: BSL-1.0
// A table in shared memory of the processes that take part in something, and which of them still live.
#pragma once

#include "os/process_identity.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ferry::os {

/// A table of processes in shared memory, zeros at first. A process that joins takes a seat in it, with a
/// lock on it that the kernel gives back when the process ends, however it ends. So it is the kernel that
/// tells of a death, to every process that has the memory: whatever /proc shows, whichever users they belong
/// to, in whatever namespaces of process ids, and without a descriptor.
///
/// The lock is a robust futex (linux/Documentation/locking/robust-futexes.rst), which belongs to a thread.
/// The threads of the program come and go, so it is one that does nothing else: it is started when a process
/// first joins a roll, and sleeps with all signals blocked.
///
/// This is the way of one process to the roll. Thread-safe. The memory stays mapped until it is destroyed.
class roll {
 public:
  /// What has to be there in shared memory.
  static constexpr std::size_t bytes_for(std::size_t seats) noexcept;
  /// How many seats there are where nothing else is said: for so many processes at a time.
  static constexpr std::size_t usual_seats = 1000;

  roll() noexcept = default;
  /// Leaves. A forked copy of one who has joined leaves nothing.
  ~roll();
  roll(const roll&) = delete;
  roll& operator=(const roll&) = delete;

  /// Says where it is, before anything else is called.
  /// @param memory  aligned to 8 bytes, and no less than `bytes_for(1)`
  void place(std::span<std::byte> memory) noexcept;

  /// Joins, unless this process has joined already. To be called before any note of this process is made that
  /// others may hold against it.
  /// @returns the identity of this process
  /// @throws system_error  when all seats are taken by processes that live; when no thread can be started
  process_identity join() {
    const process_identity self = own_identity();
    if (joined_.load(std::memory_order_acquire) != self) [[unlikely]]
      take_seat(self);
    return self;
  }
  /// Whether this process has joined.
  bool has_joined() const noexcept { return joined_.load(std::memory_order_relaxed) == own_identity(); }

  /// Has this process stay where it has joined until it ends. For an object on the heap that no other code
  /// refers to any longer. Thread-safe.
  void keep() noexcept;

  /// Whether a process that had joined has ended, whether or not it was waited for. No system call.
  /// @returns true also for one that has left
  bool has_ended(process_identity which) const noexcept;

 private:
  struct head;
  struct seat;

  void take_seat(process_identity self);
  std::span<seat> used() const noexcept;

  head* head_ = nullptr;
  std::size_t seats_ = 0;
  std::atomic<process_identity> joined_{0};
  seat* mine_ = nullptr;
  roll* kept_before_ = nullptr;
};

struct roll::head {
  std::atomic<std::uint32_t> used;  // seats from here on were never taken
  std::uint32_t unused;
};

/// Throws the `system_error` of a process for which no seat is left.
[[noreturn]] void throw_all_seats_taken(const std::string& operation);

/// The kernel knows the first two words, and that `life` is 8 bytes behind `next`.
struct roll::seat {
  std::uint64_t next;               // a link of the list of locks of the process that sits here; its address
  std::atomic<std::uint32_t> life;  // thread that has the lock; 0 and a mark when it has ended
  std::uint32_t unused;
  std::atomic<process_identity> who;
};

constexpr std::size_t roll::bytes_for(std::size_t seats) noexcept {
  return sizeof(head) + seats * sizeof(seat);
}

/// How many threads of this process do nothing but keep its seats.
std::size_t seat_holding_threads() noexcept;

}  // namespace ferry::os
