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
      end_(data_ + size),
      limit_(data_ + memory->memory().size()),
      external_(std::move(memory)) {}

buffer::~buffer() {
  if (!external_) std::free(data_);
}

void buffer::swap(buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(end_, other.end_);
  std::swap(limit_, other.limit_);
  std::swap(external_, other.external_);
  std::swap(source_, other.source_);
}

void buffer::grow(std::size_t more) {
  constexpr std::size_t first_block = 256;  // most messages are small: one allocation serves them
  const std::size_t used = size();
  if (more > std::numeric_limits<std::size_t>::max() / 2 - used) throw std::bad_alloc();
  const auto capacity = static_cast<std::size_t>(limit_ - data_);
  // A block that is large by itself is allocated exactly: doubling it would double the pages to fault in.
  const std::size_t wanted = std::max({used + more, capacity + capacity / 2, first_block});

  if (source_ != nullptr && wanted > source_->threshold()) {
    if (auto fresh = source_->allocate(wanted)) {
      std::byte* const memory = fresh->memory().data();
      if (used != 0) std::memcpy(memory, data_, used);
      if (!external_) std::free(data_);
      data_ = memory;
      end_ = memory + used;
      limit_ = memory + fresh->memory().size();
      external_ = std::move(fresh);
      return;
    }
  }

  std::byte* memory = nullptr;
  if (external_) {
    memory = static_cast<std::byte*>(std::malloc(wanted));
    if (memory == nullptr) throw std::bad_alloc();
    std::memcpy(memory, data_, used);
    external_.reset();
  } else {
    memory = static_cast<std::byte*>(std::realloc(data_, wanted));
    if (memory == nullptr) throw std::bad_alloc();
  }
  data_ = memory;
  end_ = memory + used;
  limit_ = memory + wanted;
}

}  // namespace ferry
