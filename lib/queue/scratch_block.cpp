// The block that each thread keeps for the items that it puts and takes.
#include <ferry/detail/queue_core.hpp>

#include <utility>

namespace ferry::detail {
namespace {

// Reading or writing an item may put or take another one: that one finds nothing here and makes a new block.
thread_local buffer kept;

// Large items gain from it too, since the pages of a new block would have to be touched first.
constexpr std::size_t most_kept = std::size_t{4} << 20U;

}  // namespace

scratch_block::scratch_block() noexcept : block(std::move(kept)) {}

scratch_block::~scratch_block() {
  if (block.size() > most_kept) return;
  block.truncate(0);
  kept = std::move(block);
}

}  // namespace ferry::detail
