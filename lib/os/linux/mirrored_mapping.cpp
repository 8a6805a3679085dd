// SPDX-License-Identifier: BSL-1.0
// Mapping one part of a file at two addresses in a row.
#include "os/mirrored_mapping.hpp"

#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"
#include "os/memory.hpp"

#include <gsl/narrow>

#include <cerrno>
#include <string>

namespace ferry::os {

std::byte* map_mirrored(handle_view memory, std::size_t offset, std::size_t size) {
  const auto fail = [&] {
    throw_system_error("map " + std::to_string(size) + " bytes of shared memory twice in a row");
  };
  // The system would refuse it too; but a build for tests can have larger pages than the system.
  if (offset % page_size() != 0 || size % page_size() != 0) {
    errno = EINVAL;
    fail();
  }
  // The room for both is taken first, so that nothing else can come to lie behind the first.
  void* const room =
      calls().mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) fail();
  auto* const address = static_cast<std::byte*>(room);
  for (std::byte* const at : {address, address + size}) {
    if (calls().mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory.native(),
                     gsl::narrow<off_t>(offset)) == MAP_FAILED) {
      const int code = errno;
      unmap_mirrored(address, size);
      errno = code;
      fail();
    }
  }
  return address;
}

void unmap_mirrored(std::byte* address, std::size_t size) noexcept {
  ::munmap(address, 2 * size);
}

}  // namespace ferry::os
