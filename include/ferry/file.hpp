// SPDX-License-Identifier: BSL-1.0
// Files, and any other descriptor, as values that cross.
#pragma once

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/file_mode.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <tuple>

namespace ferry {

/// An open file, or any other handle of bytes. When it crosses, both ends have the same open file: the
/// position is shared, as between a process and its forked child, and reading on one side moves it for the
/// other.
///
/// An owned handle: movable, not copyable; closed when dropped. Calls block as long as the file does, and go
/// on after a signal. Several threads or processes that use one position see what the kernel makes of it.
class file {
 public:
  using mode = file_mode;
  using origin = file_origin;

  /// A new file is readable and writable as the process's umask allows.
  /// @throws system_error  naming the path
  static file open(const std::filesystem::path& path, mode how = mode::read);
  /// Takes over a handle of whatever kind.
  /// @throws system_error  when it is not open
  static file adopt(unique_handle handle);

  /// Reads what there is, up to the size of `into`.
  /// @returns the number of bytes; 0 only at the end, or if `into` is empty
  std::size_t read(std::span<std::byte> into);
  /// Writes all of `bytes`.
  /// @throws system_error  when it cannot; the position tells how much was written
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Moves the position. @returns the new one, in bytes from the start
  /// @throws system_error  when it has no position, as a pipe has not
  std::uint64_t seek(std::int64_t offset, origin from = origin::begin);
  /// The position, in bytes from the start.
  std::uint64_t position() { return seek(0, origin::current); }
  /// Size of the file in bytes; 0 for what has none.
  std::uint64_t size() const;

  /// A second handle to the same open file, with the position in common: one to keep, say, and one to put
  /// into a value. Sending a file does not need it, that leaves the sender his own.
  /// @throws system_error  when descriptors have run out, or it is moved from
  file duplicate() const;

  native_handle_type native_handle() const { return held().native(); }
  /// False when it was moved from.
  bool valid() const noexcept { return handle_.valid(); }
  /// Gives up ownership; the file is empty afterwards.
  unique_handle release() && {
    held();
    return std::move(handle_);
  }

 private:
  const unique_handle& held() const {
    if (!handle_.valid()) detail::throw_empty("file");
    return handle_;
  }

  explicit file(unique_handle handle) noexcept : handle_(std::move(handle)) {}

  unique_handle handle_;
};

/// Crosses as its handle.
template <>
struct reducer<file> {
  static constexpr std::string_view name = "ferry.file";
  static std::tuple<handle_view> reduce(const file& open_file);
  static file rebuild(unique_handle handle);
};

}  // namespace ferry
