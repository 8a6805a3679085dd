// SPDX-License-Identifier: BSL-1.0
// Memory that processes share.
#pragma once

#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// A block of memory that crosses to other processes without being copied: what one writes, all see.
///
/// A value: copies share the memory, which lasts as long as any process has it mapped or a message with it is
/// on its way. It is anonymous unless asked otherwise, so nothing is left behind when processes are killed.
/// It is allocated when it is created: running out of memory is an exception then, and never a SIGBUS later.
/// Anonymous memory is sealed, so no process can change its size.
///
/// Copying and crossing are thread-safe as for `std::shared_ptr`. The bytes are as thread-safe as any memory:
/// use `std::atomic_ref`, or locks, across processes as among threads.
///
///   ferry::shared_memory pixels(width * height);
///   std::ranges::fill(pixels.span(), std::byte{0});
///   connection.send(pixels);
class shared_memory {
 public:
  /// Anonymous memory, filled with zeros.
  /// @param size  in bytes, at least 1
  /// @throws system_error  when there is not that much memory, or no descriptor left; names the limit and the
  /// cure
  explicit shared_memory(std::size_t size);

  /// Memory with a name, for programs that are not handed it: Python's
  /// `multiprocessing.shared_memory.SharedMemory(name)` attaches to it. The name goes away by `unlink()`, at
  /// the latest with the last copy in the process that made it; the memory stays for those who have it. A
  /// process that is killed cannot take its names along: prefer anonymous memory where it can be handed over.
  /// Processes of the same user can change the size of named memory, and a process that touches what is cut
  /// off gets a SIGBUS.
  ///
  /// A Python process that attaches by `SharedMemory(name)` removes the name when it ends; after that no
  /// further process finds the memory. From Python 3.13 on `SharedMemory(name, track=False)` leaves the name
  /// alone; before, have it call `multiprocessing.resource_tracker.unregister("/" + name, "shared_memory")`
  /// after it attached.
  /// @param size  in bytes, at least 1
  /// @param name  without '/' and NUL; empty: a new one is made up, "psm_" and 8 hexadecimal digits
  /// @throws system_error  `std::errc::file_exists` when the name is taken; otherwise as the constructor
  static shared_memory create_named(std::size_t size, std::string_view name = {});

  /// Attaches to memory with a name, whichever program made it. Never unlinks it. What its maker has only
  /// promised, as Python does, is allocated.
  /// @throws system_error  `std::errc::no_such_file_or_directory` when no memory has that name; when there is
  ///                       not as much memory as it was promised
  static shared_memory open_named(std::string_view name);

  /// In bytes; what was asked for, not rounded up.
  std::size_t size() const;
  /// The memory. @throws system_error  when this is a read-only view
  std::span<std::byte> span() const;
  /// The memory, for reading.
  std::span<const std::byte> read_span() const;
  bool is_writable() const;

  /// A view through which the memory cannot be changed, here or where it is sent. It guards against mistakes
  /// and against other users; a process of the same user can find its way around it.
  shared_memory read_only() const;

  /// Empty if it is anonymous.
  const std::string& name() const;
  /// Removes the name; the memory stays for those who have it. Only in the process that created it. Content
  /// when others have removed the name before; if it stands for other memory by now, it is left to that.
  /// @throws system_error  when this was called before, there is no name, or another process created it
  void unlink();

  native_handle_type native_handle() const;
  /// False when it was moved from.
  bool valid() const noexcept { return state_ != nullptr; }

 private:
  struct state;
  const state& held() const;
  friend struct reducer<shared_memory>;
  explicit shared_memory(std::shared_ptr<const state> shared) noexcept : state_(std::move(shared)) {}
  // Maps a handle that was checked.
  static shared_memory adopt(unique_handle handle, std::size_t size, bool writable, std::string name);

  std::shared_ptr<const state> state_;  // never null but after a move
};

/// Crosses as its handle. A segment is taken only if no process can make it smaller under the receiver's
/// feet: its size must be the one announced, it must be allocated, and sealed (named memory: private to this
/// user).
template <>
struct reducer<shared_memory> {
  static constexpr std::string_view name = "ferry.shared_memory";
  static std::tuple<handle_view, std::uint64_t, bool, std::string> reduce(const shared_memory& memory);
  /// @throws archive_error  when the handle is not such a segment
  static shared_memory rebuild(unique_handle handle, std::uint64_t size, bool writable, std::string name);
};

}  // namespace ferry
