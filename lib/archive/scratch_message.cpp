// SPDX-License-Identifier: BSL-1.0
// The block that each thread keeps for what it sends or receives next.
#include <ferry/detail/archive/scratch_message.hpp>

#include <utility>

namespace ferry::detail {
namespace {

// Large items gain from it too, since the pages of a new block would have to be touched first.
constexpr std::size_t most_kept = std::size_t{4} << 20U;

/// Set when the thread has destroyed its objects: exit handlers run after that, and receive.
constinit thread_local bool is_over = false;

// Reading or writing an item may put or take another one: that one finds nothing here and makes a new block.
struct kept_block {
  buffer block;
  ~kept_block() { is_over = true; }
};
thread_local kept_block block_of_thread;

}  // namespace

scratch_message::scratch_message() noexcept {
  if (!is_over) what.storage() = std::move(block_of_thread.block);
}

scratch_message::~scratch_message() {
  buffer& block = what.storage();
  if (is_over || block.size() > most_kept) return;
  block.truncate(0);
  block_of_thread.block = std::move(block);
}

}  // namespace ferry::detail
