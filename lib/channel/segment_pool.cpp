// SPDX-License-Identifier: BSL-1.0
// Keeping segments, within bounds.
#include "channel/segment_pool.hpp"

#include <ferry/error.hpp>

#include "base/peer_memory.hpp"

#include <algorithm>
#include <atomic>
#include <new>
#include <numeric>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

std::uint64_t next_pool_id() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

/// Lets go of the first ones, until what is left is within the limits.
template <class Entry, class Size>
void trim(std::vector<Entry>& entries, Size size_of) {
  std::size_t total = 0;
  for (const Entry& each : entries) total += size_of(each);
  std::size_t surplus = 0;
  while (entries.size() - surplus > pool_limit::segments || total > pool_limit::bytes) {
    total -= size_of(entries[surplus++]);
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(surplus));
}

}  // namespace

segment_pool::segment_pool(std::size_t threshold) noexcept : source(threshold), id_(next_pool_id()) {}

std::unique_ptr<segment_use> segment_pool::use(std::size_t size) {
  if (auto found = find(size)) return found;
  std::shared_ptr<segment> fresh = make(size);
  const std::uint64_t number = fresh->try_begin_use();
  auto use = std::make_unique<segment_use>(fresh, number, fresh->room().size(), id_);
  if (fresh->room().size() <= pool_limit::largest) keep(std::move(fresh));
  return use;
}

segment_pool::books::books() {
  constexpr std::size_t size = release_board::slots * sizeof(segment_state);
  states = os::mapping(os::create_memory(size), size, os::access::read_write);
}

segment_state& segment_pool::books::state_of(std::size_t slot) const noexcept {
  return detail::objects_in<segment_state>(states.bytes(), 0, release_board::slots)[slot];
}

std::shared_ptr<segment> segment_pool::make(std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (!books_) books_ = std::make_shared<books>();
  // A slot comes round again long after the segment that had it was let go of. If that is in use still, the
  // number that its reader says in the end differs from all numbers of the other.
  const std::size_t slot = books_->next_slot++ % release_board::slots;
  segment_state& state = books_->state_of(slot);
  state.store(0, std::memory_order_relaxed);
  // The states live as long as the segment does.
  std::shared_ptr<segment> made = segment::create(size, books_->board, slot, state);
  return {made.get(), [made, of = books_](segment*) {}};
}

std::unique_ptr<segment_use> segment_pool::find(std::size_t size) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : segments_) {
    const std::size_t room = each->room().size();
    // One that is far too large is left for a message that needs it.
    if (room < size || room / 4 > size) continue;
    if (const std::uint64_t number = each->try_begin_use()) {
      return std::make_unique<segment_use>(each, number, room, id_);
    }
  }
  return nullptr;
}

void segment_pool::keep(std::shared_ptr<segment> fresh) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(fresh));
  trim(segments_, [](const auto& each) { return each->room().size(); });
}

segment_use* segment_pool::own_use(const buffer& bytes) const noexcept {
  auto* const use = dynamic_cast<segment_use*>(bytes.memory());
  return use != nullptr && use->pool() == id_ ? use : nullptr;
}

std::unique_ptr<buffer::external> segment_cache::use(handle_view received, handle_view board,
                                                     std::uint64_t number, std::size_t size) {
  std::shared_ptr<segment> mapped = find_or_map(received, board);
  if (size > mapped->room().size()) {
    throw archive_error("a message of " + std::to_string(size) + " bytes claims to be in shared memory of " +
                        std::to_string(mapped->room().size()));
  }
  return std::make_unique<segment_use>(std::move(mapped), number, size, 0);
}

std::shared_ptr<segment> segment_cache::find_or_map(handle_view received, handle_view board) {
  const os::memory_identity identity = os::identify_memory(received), its_board = os::identify_memory(board);
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
    return each.identity == identity && each.board == its_board;
  });
  if (found != entries_.end()) {
    std::rotate(found, found + 1, entries_.end());
    return entries_.back().mapped;
  }
  const auto same_board = std::find_if(entries_.begin(), entries_.end(),
                                       [&](const entry& each) { return each.board == its_board; });
  std::shared_ptr<segment> mapped =
      segment::map(received, same_board == entries_.end() ? release_board::map(board)
                                                          : same_board->mapped->shared_board());
  if (mapped->room().size() > pool_limit::largest) return mapped;
  entries_.push_back({identity, its_board, mapped});
  trim(entries_, [](const entry& each) { return each.mapped->room().size(); });
  return mapped;
}

}  // namespace ferry::channel
