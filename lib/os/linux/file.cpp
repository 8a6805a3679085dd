// SPDX-License-Identifier: BSL-1.0
// Files by open(2), read(2), write(2) and lseek(2).
#include "os/file.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/held_signals.hpp"
#include "os/linux/limit.hpp"
#include "os/linux/system_calls.hpp"

#include <cerrno>
#include <string>
#include <sys/stat.h>

namespace ferry::os {
namespace {

int open_flags(file_mode how) {
  switch (how) {
    case file_mode::read:
      return O_RDONLY;
    case file_mode::write:
      return O_WRONLY | O_CREAT | O_TRUNC;
    case file_mode::append:
      return O_WRONLY | O_CREAT | O_APPEND;
    case file_mode::read_write:
      return O_RDWR | O_CREAT;
    case file_mode::create:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

std::string named(const char* operation, handle_view handle) {
  return operation + std::to_string(handle.native());
}

ssize_t write_some(handle_view handle, std::span<const std::byte> bytes) {
  held_signals held;
  const ssize_t written = calls().write(handle.native(), bytes.data(), bytes.size());
  if (written < 0) held.failed_with(errno);
  return written;
}

}  // namespace

unique_handle open_file(const std::filesystem::path& path, file_mode how) {
  constexpr mode_t as_umask_allows = 0666;
  for (;;) {
    const int opened =
        above_streams(calls().open(path.c_str(), open_flags(how) | O_CLOEXEC, as_umask_allows));
    if (opened >= 0) return unique_handle(opened);
    if (errno != EINTR) throw_system_error("open '" + path.string() + "'");
  }
}

void check_open(handle_view handle) {
  if (::fcntl(handle.native(), F_GETFD) < 0) throw_system_error(named("use descriptor ", handle));
}

std::size_t read_some(handle_view handle, std::span<std::byte> into) {
  for (;;) {
    const ssize_t got = calls().read(handle.native(), into.data(), into.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw_system_error(named("read from descriptor ", handle));
  }
}

void write_all(handle_view handle, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write_some(handle, bytes);
    if (written >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    else if (errno == EFBIG)
      throw_system_error(named("write to descriptor ", handle) + ": the limit of file sizes is " +
                         std::to_string(file_size_limit()) +
                         " bytes: raise it with `ulimit -f` or setrlimit");
    else if (errno != EINTR)
      throw_system_error(named("write to descriptor ", handle) + " with " + std::to_string(bytes.size()) +
                         " bytes left");
  }
}

std::uint64_t seek(handle_view handle, std::int64_t offset, file_origin from) {
  const int whence = from == file_origin::begin     ? SEEK_SET
                     : from == file_origin::current ? SEEK_CUR
                                                    : SEEK_END;
  const off_t position = calls().lseek(handle.native(), offset, whence);
  if (position < 0) throw_system_error(named("move the position of descriptor ", handle));
  return static_cast<std::uint64_t>(position);
}

std::uint64_t file_size(handle_view handle) {
  struct stat status {};
  if (::fstat(handle.native(), &status) != 0)
    throw_system_error(named("get the size of descriptor ", handle));
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace ferry::os
