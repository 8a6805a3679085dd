// SPDX-License-Identifier: BSL-1.0
// Memory that processes share: creating, naming, checking and mapping it.
#pragma once

#include <ferry/handle.hpp>

#include "base/fork.hpp"
#include "os/process_identity.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace ferry::os {

/// The unit of mappings, in bytes.
std::size_t page_size() noexcept;

enum class access { read, read_write };

/// Shared memory in the address space of this process; unmapped when dropped.
class mapping {
 public:
  mapping() noexcept = default;
  /// Maps the first `size` bytes of `memory`.
  mapping(handle_view memory, std::size_t size, access how);
  mapping(mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  mapping& operator=(mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~mapping();

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Leaves it mapped until the process ends.
  std::span<std::byte> release() noexcept { return std::exchange(bytes_, {}); }

 private:
  std::span<std::byte> bytes_;
};

/// Anonymous memory of `size` zeros: allocated, not only promised, and sealed so that no process can change
/// its size.
unique_handle create_memory(std::size_t size);

/// The same with its mapping, through which it can be written. No other process can write it, even with the
/// handle (where the system has a seal for that: Linux has since 5.1).
struct shown_memory {
  unique_handle handle;
  mapping here;
};
shown_memory create_memory_to_show(std::size_t size);

/// Anonymous memory of `size` zeros, allocated, that may grow but never shrink.
unique_handle create_growing_memory(std::size_t size);
/// Makes memory that may grow reach to `offset + size` at least, with that part of it allocated.
/// @throws system_error  when there is not that much memory, or the limit of file sizes does not allow it;
///                       the part is not allocated then
void allocate_part(handle_view memory, std::size_t offset, std::size_t size);
/// Gives the memory of a part back. The part reads as zeros afterwards, and is allocated again when touched.
/// @param size  in bytes; 0 means all that follows
void release_part(handle_view memory, std::size_t offset, std::size_t size) noexcept;

/// Memory that others find as `name`, allocated. No process sees the name before the memory is complete.
/// @throws system_error  file_exists when the name is taken
unique_handle create_named_memory(const std::string& name, std::size_t size);
/// Opens named memory and allocates what its creator left unallocated.
unique_handle open_named_memory(const std::string& name);
/// True if `name` can be one: not empty, no slash, no NUL, neither "." nor "..".
bool is_memory_name(const std::string& name) noexcept;

/// Tells memory from other memory for as long as either is open or mapped.
struct memory_identity {
  std::uint64_t device = 0, number = 0;
  friend bool operator==(const memory_identity&, const memory_identity&) = default;
};
memory_identity identify_memory(handle_view handle);

/// A name, and the duty to remove it: it falls to the process that takes it on, not to its forked children.
class memory_name {
 public:
  explicit memory_name(const std::string& name);
  ~memory_name();
  memory_name(const memory_name&) = delete;
  memory_name& operator=(const memory_name&) = delete;

  /// From here on this process has the duty, as long as it is the name of that memory. All that it needs for
  /// it is there already.
  void take_on(handle_view memory) noexcept;
  /// True if this process has the duty.
  bool is_ours() const noexcept;
  /// Removes the name now, if it is there. May be called by several threads; only one call succeeds.
  /// @throws system_error  no_such_file when this was called before
  void remove() const;

 private:
  bool still_names_it() const noexcept;

  std::string name_, path_;
  memory_identity named_;
  std::optional<detail::fork_mark> owner_;
  mutable std::atomic<bool> removed_{false};
};

/// A second handle to the same memory through which it cannot be changed.
unique_handle reopen_read_only(handle_view memory);

/// What there is to know of a handle that is said to be shared memory.
struct memory_facts {
  bool is_memory = false;     ///< it lives in memory, not in a file on a disk, nor is it something else
  std::size_t size = 0;       ///< in bytes
  std::size_t allocated = 0;  ///< bytes that have been allocated so far
  bool is_allocated = false;  ///< every byte of it
  bool is_writable = false;   ///< through this handle
  bool is_sealed = false;     ///< no process can shrink it
  bool is_private = false;    ///< only processes of this user can shrink it
};
memory_facts examine_memory(handle_view handle);

/// Limits the address space of this process: what would go beyond it is out of memory.
/// @throws system_error  when the system does not allow that
void limit_address_space(std::size_t bytes);

}  // namespace ferry::os
