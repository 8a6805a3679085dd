// Arenas, and the places of objects in them.
#include <ferry/arena.hpp>

#include "sync/shared_block.hpp"

#include <utility>

namespace ferry {

arena::arena(std::size_t size) : block_(detail::shared_block::create(size, os::roll::usual_seats)) {}

std::size_t arena::size() const noexcept {
  return block_->size();
}
std::size_t arena::used() const noexcept {
  return block_->used();
}

namespace detail {

// Room for the label too, see shared_block::take.
shared_place::shared_place(shared_kind kind, std::size_t size, std::size_t seats)
    : block_(shared_block::create(size + 8, seats)), address_(block_->take(kind, size)) {}

shared_place::shared_place(const arena& in, shared_kind kind, std::size_t size)
    : block_(in.block_), address_(block_->take(kind, size)) {}

shared_place::shared_place(unique_handle memory, std::uint64_t offset, shared_kind kind, std::size_t size)
    : block_(shared_block::adopt(std::move(memory))), address_(block_->find(offset, kind, size)) {}

std::uint64_t shared_place::join() const {
  return block_->roll().join();
}
bool shared_place::has_ended(std::uint64_t process) const noexcept {
  return block_->roll().has_ended(process);
}

std::tuple<handle_view, std::uint64_t> shared_place::parts() const noexcept {
  return {block_->handle(), static_cast<std::uint64_t>(address_ - block_->begin())};
}

}  // namespace detail
}  // namespace ferry
