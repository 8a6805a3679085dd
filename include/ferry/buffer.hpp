// SPDX-License-Identifier: BSL-1.0
// The growing block of bytes behind a message.
#pragma once

#include <ferry/detail/base/copy.hpp>

#include <gsl/assert>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>

namespace ferry {

/// A contiguous block of bytes that grows at its end and is not initialised before it is written.
///
/// The memory is on the heap, or external: a mapped segment of a connection, so that a large value is
/// serialised straight into the memory that its receiver reads. Not thread-safe.
class buffer {
 public:
  /// Memory from elsewhere; let go of when the last buffer that uses it is.
  class external {
   public:
    virtual ~external() = default;
    std::span<std::byte> memory() const noexcept { return memory_; }

   protected:
    explicit external(std::span<std::byte> memory) noexcept : memory_(memory) {}
    external(const external&) = delete;
    external& operator=(const external&) = delete;

   private:
    std::span<std::byte> memory_;
  };

  /// Asked for external memory once a buffer has to grow past `threshold` bytes.
  class source {
   public:
    virtual ~source() = default;
    /// @returns external memory of at least `size` bytes, none of them in use; a buffer without external
    /// memory
    ///          when the heap is to serve
    virtual buffer allocate(std::size_t size) = 0;
    std::size_t threshold() const noexcept { return threshold_; }

   protected:
    explicit source(std::size_t threshold) noexcept : threshold_(threshold) {}

   private:
    std::size_t threshold_;
  };

  buffer() noexcept = default;
  /// @param from  where large blocks come from; must outlive the growing of this buffer, not the buffer
  explicit buffer(source* from) noexcept : source_(from) {}
  /// External memory of which the first `size` bytes are in use.
  /// @param memory  a std::unique_ptr, not null; it is not named, so that its header need not be included
  /// here
  template <class Owner>
  requires requires(Owner memory) { static_cast<external*>(memory.release()); }
  buffer(Owner memory, std::size_t size) noexcept : external_(memory.release()) {
    use(external_->memory(), size);
  }
  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer() {
    if (external_ != nullptr)
      delete external_;
    else if (data_ != nullptr)
      std::free(data_);
  }

  const std::byte* data() const noexcept { return data_; }
  std::byte* data() noexcept { return data_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(limit_ - data_ + next_); }
  bool empty() const noexcept { return size() == 0; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size()}; }
  std::span<std::byte> writable_bytes() noexcept { return {data_, size()}; }
  /// The external memory in use, or null.
  external* memory() const noexcept { return external_; }

  /// Room, in bytes, that is reserved behind a small block or class for the numbers that often follow: they
  /// need no look at it then. What ends within so many bytes of its memory may be given more than it needs.
  static constexpr std::size_t slack = 32;

  void append(const void* bytes, std::size_t count) {
    if (count != 0) detail::copy_bytes(extend(count), bytes, count);
  }
  /// The bytes of a trivially copyable object.
  template <class T>
  void append(const T& object) {
    reserve(sizeof object);
    const std::ptrdiff_t offset = next_;
    detail::store(limit_ + offset, object);
    // Bytes written may be any object's, also `next_`: set after them, it is known to the next call.
    next_ = offset + static_cast<std::ptrdiff_t>(sizeof object);
  }
  /// A byte, and a few more behind it; then there is room for `slack`.
  /// @pre `count <= detail::few_bytes`
  [[gnu::always_inline]] void append_few(std::byte first, const void* bytes, std::size_t count) {
    Expects(count <= detail::few_bytes);
    reserve(1 + count + slack);
    const std::ptrdiff_t offset = next_;
    std::byte* const to = limit_ + offset;
    *to = first;
    detail::copy_few(to + 1, static_cast<const std::byte*>(bytes), count);
    next_ = offset + static_cast<std::ptrdiff_t>(1 + count);
    GSL_ASSUME(next_ <= -static_cast<std::ptrdiff_t>(slack));
  }
  /// Makes room for `count` more bytes at the end and returns where they go; their content is undefined.
  std::byte* extend(std::size_t count) {
    reserve(count);
    std::byte* const added = limit_ + next_;
    next_ += static_cast<std::ptrdiff_t>(count);
    return added;
  }
  /// Makes room for `more` bytes. Inline, so that the compiler drops the looks at the room of what is
  /// appended within it.
  void reserve(std::size_t more) {
    const auto signed_more = static_cast<std::ptrdiff_t>(more);
    if (signed_more < 0 || next_ > -signed_more) [[unlikely]]
      grow(more);
    GSL_ASSUME(next_ <= -signed_more);
  }
  /// Drops bytes from the end. @pre `size <= this->size()`
  void truncate(std::size_t size) noexcept {
    Expects(size <= this->size());
    set_size(size);
  }

 private:
  void set_size(std::size_t size) noexcept { next_ = data_ - limit_ + static_cast<std::ptrdiff_t>(size); }
  void grow(std::size_t more);
  void use(std::span<std::byte> memory, std::size_t size) noexcept {
    data_ = memory.data();
    limit_ = data_ + memory.size();
    set_size(size);
  }
  void swap(buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(limit_, other.limit_);
    std::swap(next_, other.next_);
    std::swap(external_, other.external_);
    std::swap(source_, other.source_);
  }

  std::byte *data_ = nullptr, *limit_ = nullptr;  // of the memory
  // Where the next byte goes, from the limit: minus the room that is left. One number for both lets compilers
  // know the room behind a number from the room before it.
  std::ptrdiff_t next_ = 0;
  external* external_ = nullptr;  // owned; null: data_ is on the heap
  source* source_ = nullptr;
};

}  // namespace ferry
