// SPDX-License-Identifier: BSL-1.0
// Mapping a ring buffer twice in a row, so that records never wrap.
#pragma once

#include <ferry/handle.hpp>

#include <cstddef>
#include <span>

namespace ferry::os {

/// Maps a part of shared memory twice in a row: what begins near its end and goes on at its beginning is one
/// block of memory. It stays mapped until `unmap_mirrored`.
/// @param offset, size  multiples of the size of a page; the memory must reach that far
/// @returns where it begins; twice `size` bytes are mapped there
/// @throws system_error  when there is no room for it in the address space
std::byte* map_mirrored(handle_view memory, std::size_t offset, std::size_t size);
/// @param size  that of the part
void unmap_mirrored(std::byte* address, std::size_t size) noexcept;

}  // namespace ferry::os
