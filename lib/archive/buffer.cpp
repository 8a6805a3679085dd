// Growth of a message's block of bytes, on the heap or in external memory.
#include <ferry/buffer.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

namespace ferry {

buffer::buffer(std::unique_ptr<external> memory, std::size_t size) noexcept
    : data_(memory->memory().data()),
      size_(size),
      capacity_(memory->memory().size()),
      external_(std::move(memory)) {}

void buffer::grow(std::size_t more) {
  constexpr std::size_t first_block = 256;  // most messages are small: one allocation serves them
  if (more > std::numeric_limits<std::size_t>::max() / 2 - size_) throw std::bad_alloc();
  // A block that is large by itself is allocated exactly: doubling it would double the pages to fault in.
  const std::size_t wanted = std::max({size_ + more, capacity_ + capacity_ / 2, first_block});

  if (source_ != nullptr && wanted > source_->threshold()) {
    if (auto fresh = source_->allocate(wanted)) {
      std::byte* const memory = fresh->memory().data();
      if (size_ != 0) std::memcpy(memory, data_, size_);
      if (!external_) std::free(data_);
      data_ = memory;
      capacity_ = fresh->memory().size();
      external_ = std::move(fresh);
      return;
    }
  }

  std::byte* memory = nullptr;
  if (external_) {
    memory = static_cast<std::byte*>(std::malloc(wanted));
    if (memory == nullptr) throw std::bad_alloc();
    std::memcpy(memory, data_, size_);
    external_.reset();
  } else {
    memory = static_cast<std::byte*>(std::realloc(data_, wanted));
    if (memory == nullptr) throw std::bad_alloc();
  }
  data_ = memory;
  capacity_ = wanted;
}

}  // namespace ferry
