// SPDX-License-Identifier: BSL-1.0
// Room for many synchronisation objects in one piece of shared memory.
#pragma once

#include <ferry/handle.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

namespace detail {
class shared_block;
class shared_location;
}  // namespace detail

/// One piece of anonymous shared memory, and one descriptor, for any number of mutexes, semaphores, events,
/// ... made in it:
///
///   ferry::arena room(64 * 100'000);
///   std::vector<ferry::mutex> rows;
///   for (int i = 0; i < 100'000; ++i) rows.emplace_back(room);
///
/// Many of them cross in one message with one or two handles; each uses one up of `limits::handles`, which is
/// to be raised on both sides for more than 4096.
///
/// A value: copies are the same arena. It lasts as long as any process has an object in it, and what was made
/// in it is given back all at once then. Thread-safe.
class arena {
 public:
  /// Takes 24 KB more than that, for notes of the processes that have owned permits or wait at barriers in
  /// it; there can be 1000 of them at a time.
  /// @param size  in bytes; a mutex takes 64, or 128 where the system's own has more than 40
  /// @throws system_error  when there is not that much memory, or no descriptor left
  explicit arena(std::size_t size);

  /// In bytes.
  std::size_t size() const;
  /// In bytes; never less than before.
  std::size_t used() const;
  /// False when it was moved from.
  bool valid() const noexcept { return block_ != nullptr; }

 private:
  friend class detail::shared_location;
  std::shared_ptr<detail::shared_block> block_;  // never null but after a move
};

namespace detail {

/// Says what is at a location, so that what arrives is not taken for something else. Four letters.
using shared_kind = std::uint32_t;
constexpr shared_kind make_shared_kind(const char (&letters)[5]) noexcept {
  return static_cast<shared_kind>(letters[0]) | static_cast<shared_kind>(letters[1]) << 8U |
         static_cast<shared_kind>(letters[2]) << 16U | static_cast<shared_kind>(letters[3]) << 24U;
}

/// Where one object lives in shared memory; keeps the memory mapped. However often a location arrives in a
/// process it has the same address there: a thread may lock through one copy and unlock through another.
class shared_location {
 public:
  /// A new location for one object, in memory of its own or in an arena, filled with zeros.
  /// @param size  in bytes
  /// @param seats  without an arena: for so many processes that join; see os::roll
  /// @throws system_error  when memory or descriptors have run out, or the arena is full
  shared_location(shared_kind kind, std::size_t size, std::size_t seats = 0);
  shared_location(const arena& in, shared_kind kind, std::size_t size);
  /// One that arrived.
  /// @throws archive_error  unless there is such an object at that offset
  shared_location(unique_handle memory, std::uint64_t offset, shared_kind kind, std::size_t size);

  shared_location(const shared_location&) = default;
  shared_location(shared_location&& other) noexcept
      : block_(std::move(other.block_)),
        address_(std::exchange(other.address_, nullptr)),
        kind_(other.kind_) {}
  shared_location& operator=(const shared_location&) = default;
  shared_location& operator=(shared_location&& other) noexcept {
    shared_location fresh(std::move(other));
    std::swap(block_, fresh.block_);
    std::swap(address_, fresh.address_);
    std::swap(kind_, fresh.kind_);
    return *this;
  }
  ~shared_location() = default;

  /// False when it was moved from.
  bool valid() const noexcept { return address_ != nullptr; }
  /// Makes this process one whose end all see who have the memory, before it leaves a note there that it has
  /// something. Cheap after the first time.
  /// @returns its identity
  /// @throws system_error  when too many processes have joined, or no thread can be started for it
  std::uint64_t join() const;
  /// Whether a process that had joined has ended. Makes no system call.
  bool has_ended(std::uint64_t process) const noexcept;
  /// The object has its cache lines for itself; the first 8 bytes of them are taken. Aligned to 8 bytes.
  /// @throws error  when the object that was there was moved from
  std::byte* address() const {
    if (address_ == nullptr) [[unlikely]]
      throw_moved_from();
    return address_;
  }
  /// How it crosses.
  std::tuple<handle_view, std::uint64_t> parts() const;

  friend bool operator==(const shared_location& left, const shared_location& right) noexcept {
    return left.address_ == right.address_;
  }

 private:
  [[noreturn]] void throw_moved_from() const;

  std::shared_ptr<shared_block> block_;
  std::byte* address_;
  shared_kind kind_;
};

}  // namespace detail
}  // namespace ferry
