// Growth of a message's block of bytes, on the heap or in external memory.
#include <ferry/buffer.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

namespace ferry {

buffer::buffer(std::unique_ptr<external> memory, std::size_t size) noexcept
    : data_(memory->memory().data()),
      size_(size),
      capacity_(memory->memory().size()),
      external_(std::move(memory)) {}

buffer::~buffer() {
  if (!external_) std::free(data_);
}

void buffer::swap(buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(external_, other.external_);
  std::swap(source_, other.source_);
}

void buffer::grow(std::size_t more) {
  constexpr std::size_t first_block = 256;  // most messages are small: one allocation serves them
  if (more > std::numeric_limits<std::size_t>::max() / 2 - size_) throw std::bad_alloc();
  const std::size_t needed = size_ + more;
  // A block that is large by itself is allocated exactly: doubling it would double the pages to fault in.
  const std::size_t wanted = std::max({needed, capacity_ + capacity_ / 2, first_block});

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

  if (external_) {
    auto* const memory = static_cast<std::byte*>(std::malloc(wanted));
    if (memory == nullptr) throw std::bad_alloc();
    std::memcpy(memory, data_, size_);
    external_.reset();
    data_ = memory;
  } else {
    auto* const memory = static_cast<std::byte*>(std::realloc(data_, wanted));
    if (memory == nullptr) throw std::bad_alloc();
    data_ = memory;
  }
  capacity_ = wanted;
}

}  // namespace ferry
