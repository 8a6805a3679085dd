// SPDX-License-Identifier: BSL-1.0
// The fastest there could be: a ring in shared memory for one producer and one consumer, who spin for a
// moment and then sleep. No locks, no growth, no handles, and nobody survives the death of the other.
#pragma once

#include "os/park.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

/// A word to wait for, with what else is needed to sleep until it changes. In shared memory.
struct sleeping_word {
  alignas(64) std::atomic<std::uint64_t> value = 0;
  ferry::os::park_word sequence = 0;
  std::atomic<std::uint32_t> asleep = 0;

  void store(std::uint64_t next) noexcept {
    value.store(next, std::memory_order_seq_cst);
    if (asleep.load(std::memory_order_seq_cst) == 0 || asleep.exchange(0) == 0) return;
    sequence.fetch_add(1);
    ferry::os::unpark(sequence, 1);
  }
  /// @param spins  looks before sleeping
  template <class Ready>
  void wait_until(Ready ready, int spins) noexcept {
    for (;;) {
      for (int i = 0; i < spins; ++i) {
        if (ready()) return;
        __builtin_ia32_pause();
      }
      const std::uint32_t before = sequence.load();
      asleep.store(1);
      if (ready()) return;
      ferry::os::park(sequence, before, ferry::deadline::never());
    }
  }
};

inline constexpr int spins_before_sleep = 2000;

template <std::size_t Capacity>
class reference_ring {
 public:
  void put(const void* bytes, std::uint64_t size) noexcept {
    const std::uint64_t at = tail_.value.load(std::memory_order_relaxed), need = room_for(size);
    if (at + need - known_head_ > Capacity) {
      head_.wait_until([&] { return at + need - (known_head_ = head_.value.load()) <= Capacity; },
                       spins_before_sleep);
    }
    copy_in(at, &size, sizeof size);
    copy_in(at + sizeof size, bytes, size);
    tail_.store(at + need);
  }
  void get(void* into) noexcept {
    const std::uint64_t at = head_.value.load(std::memory_order_relaxed);
    if (at == known_tail_) {
      tail_.wait_until([&] { return (known_tail_ = tail_.value.load()) != at; }, spins_before_sleep);
    }
    std::uint64_t size = 0;
    copy_out(at, &size, sizeof size);
    copy_out(at + sizeof size, into, size);
    head_.store(at + room_for(size));
  }

 private:
  static std::uint64_t room_for(std::uint64_t size) noexcept { return (sizeof size + size + 7) / 8 * 8; }
  void copy_in(std::uint64_t at, const void* from, std::size_t size) noexcept {
    const std::size_t place = at % Capacity, first = std::min(size, Capacity - place);
    std::memcpy(bytes_.data() + place, from, first);
    std::memcpy(bytes_.data(), static_cast<const std::byte*>(from) + first, size - first);
  }
  void copy_out(std::uint64_t at, void* into, std::size_t size) const noexcept {
    const std::size_t place = at % Capacity, first = std::min(size, Capacity - place);
    std::memcpy(into, bytes_.data() + place, first);
    std::memcpy(static_cast<std::byte*>(into) + first, bytes_.data(), size - first);
  }

  sleeping_word tail_, head_;
  alignas(64) std::uint64_t known_head_ = 0;  // the producer's
  alignas(64) std::uint64_t known_tail_ = 0;  // the consumer's
  alignas(64) std::array<std::byte, Capacity> bytes_;
};

}  // namespace bench
