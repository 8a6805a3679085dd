// SPDX-License-Identifier: BSL-1.0
// Arenas, and the locations of objects in them.
#include <ferry/arena.hpp>
#include <ferry/detail/base/moved_from.hpp>

#include "sync/barrier_state.hpp"
#include "sync/condition_state.hpp"
#include "sync/event_state.hpp"
#include "sync/lock_state.hpp"
#include "sync/once_state.hpp"
#include "sync/shared_block.hpp"

#include <utility>

namespace ferry {

arena::arena(std::size_t size) : block_(detail::shared_block::create(size, os::roll::usual_seats)) {}

std::size_t arena::size() const {
  return detail::held(block_, "arena").size();
}
std::size_t arena::used() const {
  return detail::held(block_, "arena").used();
}

namespace detail {

// Room for the label too, see shared_block::take.
shared_location::shared_location(shared_kind kind, std::size_t size, std::size_t seats)
    : block_(shared_block::create(size + 8, seats)), address_(block_->take(kind, size)), kind_(kind) {}

shared_location::shared_location(const arena& in, shared_kind kind, std::size_t size)
    : block_(in.block_), address_(held(block_, "arena").take(kind, size)), kind_(kind) {}

shared_location::shared_location(unique_handle memory, std::uint64_t offset, shared_kind kind,
                                 std::size_t size)
    : block_(shared_block::adopt(std::move(memory))),
      address_(block_->find(offset, kind, size)),
      kind_(kind) {}

std::uint64_t shared_location::join() const {
  address();
  return block_->roll().join();
}
bool shared_location::has_ended(std::uint64_t process) const noexcept {
  return block_->roll().has_ended(process);
}

std::tuple<handle_view, std::uint64_t> shared_location::parts() const {
  const std::byte* const at = address();
  return {block_->handle(), static_cast<std::uint64_t>(at - block_->begin())};
}

void shared_location::throw_moved_from() const {
  switch (kind_) {
    case mutex_kind:
      throw_empty("mutex");
    case recursive_mutex_kind:
      throw_empty("recursive_mutex");
    case condition_kind:
      throw_empty("condition_variable");
    case event_kind:
      throw_empty("event");
    case once_kind:
      throw_empty("once_flag");
    default:
      throw_empty(kind_ == barrier_kind ? "barrier" : "semaphore");
  }
}

}  // namespace detail
}  // namespace ferry
