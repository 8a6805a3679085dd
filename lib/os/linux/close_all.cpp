// SPDX-License-Identifier: BSL-1.0
// Closing descriptors by close_range(2) where it exists and the sandbox allows it, else one by one.
#include "os/linux/close_all.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ferry::os {
namespace {

/// As getdents64(2) has it.
struct entry_head {
  std::uint64_t number;
  std::int64_t offset;
  std::uint16_t size;
  std::uint8_t type;
};
constexpr std::size_t name_offset = offsetof(entry_head, type) + 1;

/// @returns false when /proc does not show the descriptors
bool close_what_proc_shows(unsigned first, unsigned last) noexcept {
  int folder = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Without a number left for it: one of those that are to go makes room.
  if (folder < 0 && errno == EMFILE) {
    ::close(static_cast<int>(first));
    folder = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (folder < 0) return false;
  const auto own = static_cast<unsigned>(folder);
  alignas(entry_head) std::array<char, 2048> block;
  bool shown = false;
  // Closing some while they are listed may hide others: until a whole pass finds none.
  for (bool found = true; found;) {
    found = false;
    ::lseek(folder, 0, SEEK_SET);
    for (;;) {
      const long got = ::syscall(SYS_getdents64, folder, block.data(), block.size());
      if (got <= 0) break;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        entry_head head;
        std::memcpy(&head, block.data() + at, sizeof head);
        unsigned number = 0;
        bool is_number = false;
        for (const char* c = block.data() + at + name_offset; *c >= '0' && *c <= '9'; ++c) {
          number = number * 10 + static_cast<unsigned>(*c - '0');
          is_number = true;
        }
        shown = shown || (is_number && number == own);
        if (is_number && number >= first && number <= last && number != own) {
          ::close(static_cast<int>(number));
          found = true;
        }
        at += head.size;
      }
    }
  }
  ::close(folder);
  return shown;
}

}  // namespace

void close_from_to(unsigned first, unsigned last) noexcept {
  if (::syscall(SYS_close_range, first, last, 0) == 0 || close_what_proc_shows(first, last)) return;
  // The limit may have been lowered since they were opened, but seldom from more than the kernel's usual
  // most.
  constexpr unsigned usual_most = 1U << 20U;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto end = static_cast<unsigned>(
      std::min<rlim_t>(last, std::max<rlim_t>(std::min<rlim_t>(limit.rlim_max, usual_most), 1024)));
  for (unsigned number = first; number <= end; ++number) ::close(static_cast<int>(number));
}

}  // namespace ferry::os
