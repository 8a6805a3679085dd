// SPDX-License-Identifier: BSL-1.0
// Files as values.
#include "os/file.hpp"

#include <ferry/file.hpp>

#include "os/handle.hpp"

namespace ferry {

file file::open(const std::filesystem::path& path, mode how) {
  return file(os::open_file(path, how));
}

file file::adopt(unique_handle handle) {
  os::check_open(handle);
  return file(std::move(handle));
}

file file::duplicate() const {
  return file(ferry::duplicate(held()));
}

std::size_t file::read(std::span<std::byte> into) {
  return os::read_some(held(), into);
}
void file::write(std::span<const std::byte> bytes) {
  os::write_all(held(), bytes);
}
std::uint64_t file::seek(std::int64_t offset, origin from) {
  return os::seek(held(), offset, from);
}
std::uint64_t file::size() const {
  return os::file_size(held());
}

}  // namespace ferry
