// SPDX-License-Identifier: BSL-1.0
// Places in rings, read from words that others can write.
#pragma once

#include "queue/ring_layout.hpp"
#include "queue/ring_memory.hpp"

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

// Where a word of others serves as an index it is judged and used as one copy.
inline std::uint32_t checked_ring(const std::atomic<std::uint32_t>& word) {
  const std::uint32_t ring = word.load(std::memory_order_acquire);
  if (ring >= ring_head::ring_count) throw_damaged("there is no such ring");
  return ring;
}

inline ring_position load(const position_word& word, std::memory_order order) noexcept {
  return ring_position::of(word.load(order));
}

constexpr std::uint32_t units_of(std::uint32_t ring) noexcept {
  return static_cast<std::uint32_t>(ring_size(ring) / unit);
}
inline std::byte* place_of(std::byte* records, std::uint32_t ring, ring_position at) noexcept {
  return records + std::size_t{at.units & (units_of(ring) - 1)} * unit;
}

}  // namespace ferry::detail
