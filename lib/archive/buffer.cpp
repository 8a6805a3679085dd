// SPDX-License-Identifier: BSL-1.0
// Growth of a message's block of bytes, on the heap or in external memory.
#include <ferry/buffer.hpp>
#include <ferry/detail/base/copy.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace ferry {

void buffer::grow(std::size_t more) {
  // Most messages are small: one allocation serves them, or three.
  constexpr std::size_t first_block = 256, small = 4096;
  const std::size_t size = this->size(), capacity = static_cast<std::size_t>(limit_ - data_);
  if (more > std::numeric_limits<std::size_t>::max() / 2 - size) throw std::bad_alloc();
  // A block that is large by itself is allocated exactly: doubling it would double the pages to fault in.
  const std::size_t usual = capacity < small ? 4 * capacity : capacity + capacity / 2;
  const std::size_t wanted = std::max({size + more, usual, first_block});

  if (source_ != nullptr && wanted > source_->threshold()) {
    buffer fresh = source_->allocate(wanted);
    if (fresh.external_ != nullptr) {
      detail::copy_bytes(fresh.data_, data_, size);
      fresh.set_size(size);
      fresh.source_ = source_;
      swap(fresh);
      return;
    }
  }

  std::byte* memory = nullptr;
  if (external_ != nullptr) {
    memory = static_cast<std::byte*>(std::malloc(wanted));
    if (memory == nullptr) throw std::bad_alloc();
    detail::copy_bytes(memory, data_, size);
    delete std::exchange(external_, nullptr);
  } else {
    memory = static_cast<std::byte*>(std::realloc(data_, wanted));
    if (memory == nullptr) throw std::bad_alloc();
  }
  use({memory, wanted}, size);
}

}  // namespace ferry
