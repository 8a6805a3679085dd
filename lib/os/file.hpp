// SPDX-License-Identifier: BSL-1.0
// Files: opening, reading, writing, positions.
#pragma once

#include <ferry/file_mode.hpp>
#include <ferry/handle.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace ferry::os {

unique_handle open_file(const std::filesystem::path& path, file_mode how);
/// @throws system_error  when `handle` is not open
void check_open(handle_view handle);
std::size_t read_some(handle_view handle, std::span<std::byte> into);
void write_all(handle_view handle, std::span<const std::byte> bytes);
std::uint64_t seek(handle_view handle, std::int64_t offset, file_origin from);
std::uint64_t file_size(handle_view handle);

}  // namespace ferry::os
