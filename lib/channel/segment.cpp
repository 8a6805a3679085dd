// Creating, checking and sharing segments.
#include "channel/segment.hpp"

#include <ferry/error.hpp>

#include "os/process.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

/// Rounded up by at most an eighth, so that messages of about one size find each other's segments.
std::size_t rounded(std::size_t size) {
  const std::size_t step = std::max(os::page_size(), std::bit_floor(size) / 8);
  return (size + step - 1) / step * step;
}

std::atomic<std::uint64_t> forks = 0;

void count_forks() {
  // Before the fork, so that the copy has the new count as well.
  [[maybe_unused]] static const bool registered =
      (os::at_fork([] { forks.fetch_add(1, std::memory_order_relaxed); }, nullptr, nullptr), true);
}

}  // namespace

std::uint64_t forks_so_far() noexcept {
  return forks.load(std::memory_order_relaxed);
}

segment::segment(unique_handle handle, os::mapping memory) noexcept
    : handle_(std::move(handle)), memory_(std::move(memory)) {}

std::shared_ptr<segment> segment::create(std::size_t capacity) {
  count_forks();
  const std::size_t size = rounded(capacity + head_size);
  unique_handle handle = os::create_memory(size);
  os::mapping memory(handle, size, os::access::read_write);
  return std::make_shared<segment>(std::move(handle), std::move(memory));
}

std::shared_ptr<segment> segment::map(handle_view received) {
  count_forks();
  const os::memory_facts facts = os::examine_memory(received);
  if (!facts.is_memory || !facts.is_sealed || !facts.is_allocated || !facts.is_writable ||
      facts.size < head_size) {
    throw archive_error("a message claims to be in shared memory, but what came with it (" +
                        std::to_string(facts.size) + " bytes) is not sealed, allocated and writable memory");
  }
  return std::make_shared<segment>(unique_handle(),
                                   os::mapping(received, facts.size, os::access::read_write));
}

segment_head& segment::head() const noexcept {
  // New memory is zeros, which is what both counters start from.
  return *std::launder(reinterpret_cast<segment_head*>(memory_.bytes().data()));
}

std::uint64_t segment::try_begin_use() noexcept {
  if (being_written_.exchange(true, std::memory_order_acquire)) return 0;
  const std::uint64_t number = head().last_use.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint64_t none = 0;
  // Acquire: what the last reader read happened before what is written now.
  if (head().use.compare_exchange_strong(none, number, std::memory_order_acquire)) return number;
  stop_writing();
  return 0;
}

void segment::end_use(std::uint64_t number) noexcept {
  head().use.compare_exchange_strong(number, 0, std::memory_order_release, std::memory_order_relaxed);
}

}  // namespace ferry::channel
