// SPDX-License-Identifier: BSL-1.0
// Creating, checking and sharing segments.
#include "channel/segment.hpp"

#include <ferry/error.hpp>

#include "base/peer_memory.hpp"
#include "os/process.hpp"
#include "os/random.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

/// Rounded up by at most an eighth, so that messages of about one size find each other's segments.
std::size_t rounded(std::size_t size) {
  const std::size_t step = std::max(os::page_size(), std::bit_floor(size) / 8);
  return (size + step - 1) / step * step;
}

}  // namespace

segment::segment(unique_handle handle, os::mapping memory, std::shared_ptr<release_board> board,
                 std::size_t slot, segment_state* state) noexcept
    : handle_(std::move(handle)),
      memory_(std::move(memory)),
      board_(std::move(board)),
      slot_(slot),
      state_(state) {}

std::shared_ptr<segment> segment::create(std::size_t capacity, std::shared_ptr<release_board> board,
                                         std::size_t slot, segment_state& state) {
  os::shown_memory memory = os::create_memory_to_show(rounded(capacity + head_size));
  detail::objects_in<head>(memory.here.bytes(), 0, 1)[0] = slot;
  return std::make_shared<segment>(std::move(memory.handle), std::move(memory.here), std::move(board), slot,
                                   &state);
}

std::shared_ptr<segment> segment::map(handle_view received, std::shared_ptr<release_board> board) {
  const os::memory_facts facts = os::examine_memory(received);
  if (!facts.is_memory || !facts.is_sealed || !facts.is_allocated || facts.size < head_size) {
    throw archive_error("a message claims to be in shared memory, but what came with it (" +
                        std::to_string(facts.size) + " bytes) is not sealed and allocated memory");
  }
  os::mapping memory(received, facts.size, os::access::read);
  const auto slot = detail::copy_out<head>(memory.bytes());
  if (slot >= release_board::slots)
    throw archive_error("a message in shared memory names a slot on its board that there is not: " +
                        std::to_string(slot));
  return std::make_shared<segment>(unique_handle(), std::move(memory), std::move(board), slot, nullptr);
}

std::uint64_t segment::try_begin_use() {
  if (being_written_.exchange(true, std::memory_order_acquire)) return 0;
  std::uint64_t current = state_->load(std::memory_order_relaxed);
  // Acquire: what the last reader read happened before what is written now.
  if (current == 0 || (*board_)[slot_].load(std::memory_order_acquire) == current) {
    std::uint64_t number = 0;
    while (number == 0) os::fill_random(std::as_writable_bytes(std::span(&number, 1)));
    if (state_->compare_exchange_strong(current, number, std::memory_order_acquire)) return number;
  }
  stop_writing();
  return 0;
}

void segment::end_use(std::uint64_t number) noexcept {
  if (state_ != nullptr)
    state_->compare_exchange_strong(number, 0, std::memory_order_release, std::memory_order_relaxed);
  else
    (*board_)[slot_].store(number, std::memory_order_release);
}

}  // namespace ferry::channel
