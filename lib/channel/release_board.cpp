// SPDX-License-Identifier: BSL-1.0
// Creating, checking and reading boards.
#include "channel/release_board.hpp"

#include <ferry/error.hpp>

#include "base/peer_memory.hpp"

#include <string>
#include <utility>

namespace ferry::channel {
namespace {

constexpr std::size_t board_size = release_board::slots * sizeof(std::uint64_t);

}  // namespace

release_board::release_board(unique_handle handle, os::mapping memory) noexcept
    : handle_(std::move(handle)), memory_(std::move(memory)) {}

std::shared_ptr<release_board> release_board::create() {
  unique_handle handle = os::create_memory(board_size);
  os::mapping memory(handle, board_size, os::access::read_write);
  return std::make_shared<release_board>(std::move(handle), std::move(memory));
}

std::shared_ptr<release_board> release_board::map(handle_view received) {
  const os::memory_facts facts = os::examine_memory(received);
  if (!facts.is_memory || !facts.is_sealed || !facts.is_allocated || !facts.is_writable ||
      facts.size < board_size) {
    throw archive_error(
        "a message is in shared memory, but what came with it for saying when it has been read (" +
        std::to_string(facts.size) + " bytes) is not sealed, allocated and writable memory");
  }
  return std::make_shared<release_board>(unique_handle(),
                                         os::mapping(received, board_size, os::access::read_write));
}

std::atomic<std::uint64_t>& release_board::operator[](std::size_t slot) const noexcept {
  // New memory is zeros, which is no number of a use.
  return detail::objects_in<std::atomic<std::uint64_t>>(memory_.bytes(), 0, slots)[slot];
}

}  // namespace ferry::channel
