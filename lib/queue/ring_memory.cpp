// SPDX-License-Identifier: BSL-1.0
// Allocating and mapping the rings of a queue.
#include "queue/ring_memory.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/mirrored_mapping.hpp"

#include <new>
#include <string>
#include <utility>

namespace ferry::detail {

void throw_damaged(const char* what) {
  throw archive_error("the memory of the queue is damaged: " + std::string(what) +
                      "; one of those who have the queue has written there");
}

// Each part is mapped by itself.
constexpr std::size_t largest_page = std::size_t{64} << 10U;
static_assert(ring_head_size % largest_page == 0 && ring_offset(0) % largest_page == 0 &&
              ring_size(0) % largest_page == 0);

ring_memory::ring_memory(std::uint64_t max_items, std::uint64_t max_bytes)
    : handle_(os::create_growing_memory(ring_roll_offset)) {
  os::allocate_part(handle_, ring_offset(0), ring_size(0));
  map_head();
  ::new (head_) ring_head{};
  map(0);
  head_->max_items = max_items;
  head_->max_bytes = max_bytes;
  head_->mark = ring_head::mark_value;
}

ring_memory::ring_memory(unique_handle memory) : handle_(std::move(memory)) {
  const os::memory_facts facts = os::examine_memory(handle_);
  if (!facts.is_memory || !facts.is_writable || !facts.is_sealed || facts.size < ring_offset(1))
    throw archive_error("the memory received with a queue is not sealed, writable memory");
  map_head();
  if (head_->mark != ring_head::mark_value)
    throw archive_error("the memory received with a queue holds something else");
}

void ring_memory::map_head() {
  mapped_head_ = os::mapping(handle_, ring_head_size, os::access::read_write);
  head_ = std::launder(reinterpret_cast<ring_head*>(mapped_head_.bytes().data()));
  roll_ = std::make_unique<os::roll>();
  roll_->place(mapped_head_.bytes().subspan(ring_roll_offset, ring_roll_size));
}

os::roll& ring_memory::roll() {
  // Each process makes sure for itself: touching what is not there would end it when memory is full.
  if (!is_roll_allocated_.load(std::memory_order_acquire)) {
    os::allocate_part(handle_, ring_roll_offset, ring_roll_size);
    is_roll_allocated_.store(true, std::memory_order_release);
  }
  return *roll_;
}

void ring_memory::stay_seated() noexcept {
  if (!roll_->has_joined()) return;
  roll_.release()->keep();
  static_cast<void>(mapped_head_.release());
}

ring_memory::~ring_memory() {
  for (std::uint32_t ring = 0; ring < rings_.size(); ++ring) {
    if (std::byte* const mapped = rings_[ring].load(std::memory_order_relaxed))
      os::unmap_mirrored(mapped, ring_size(ring));
  }
}

std::byte* ring_memory::map(std::uint32_t ring) {
  if (ring >= rings_.size()) throw_damaged("there is no such ring");
  // Touching what is behind the end of the memory would end this process; and touching what is in it, but has
  // never been allocated, would take the memory from this one, where who said that there is a ring paid
  // nothing for it.
  const os::memory_facts facts = os::examine_memory(handle_);
  if (facts.size < ring_offset(ring) + ring_size(ring)) throw_damaged("it is shorter than its rings");
  if (facts.allocated < ring_size(ring)) throw_damaged("its rings are not allocated");
  std::byte* const fresh = os::map_mirrored(handle_, ring_offset(ring), ring_size(ring));
  // Without a lock, which a fork could copy while another thread holds it.
  std::byte* known = nullptr;
  if (rings_[ring].compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) return fresh;
  os::unmap_mirrored(fresh, ring_size(ring));
  return known;
}

void ring_memory::allocate(std::uint32_t ring) {
  if (ring >= rings_.size())
    os::throw_system_error(std::errc::not_enough_memory,
                           "let a queue grow beyond its largest ring, which has " +
                               std::to_string(ring_size(ring_head::ring_count - 1)) + " bytes");
  os::allocate_part(handle_, ring_offset(ring), ring_size(ring));
}

void ring_memory::release(std::uint32_t ring) noexcept {
  os::release_part(handle_, ring_offset(ring), ring_size(ring));
}

void ring_memory::release_after(std::uint32_t ring) noexcept {
  os::release_part(handle_, ring_offset(ring + 1), 0);
}

}  // namespace ferry::detail
