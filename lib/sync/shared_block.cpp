// Handing out pieces of a block, and finding the one mapping of a block that arrives again.
#include "sync/shared_block.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"

#include <cerrno>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace ferry::detail {
namespace {

constexpr std::uint64_t block_mark = make_shared_kind("ferr") | std::uint64_t{make_shared_kind("yar1")}
                                                                    << 32U;

// In front of each piece.
struct label {
  shared_kind kind;
  std::uint32_t size;  // of the piece, in bytes, without the label
};

using identity_key = std::pair<std::uint64_t, std::uint64_t>;

struct blocks_here {
  std::mutex mutex;
  std::map<identity_key, std::weak_ptr<shared_block>> known;
};
// Never destroyed: objects of static duration may outlive any order.
blocks_here& mapped_blocks() {
  static auto& here = *new blocks_here;
  return here;
}

identity_key key_of(const os::memory_identity& identity) {
  return {identity.device, identity.number};
}

void remember(const std::shared_ptr<shared_block>& block, const os::memory_identity& identity) {
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  here.known[key_of(identity)] = block;
}

}  // namespace

struct shared_block::head {
  std::uint64_t mark;
  std::atomic<std::uint64_t> used;  // in bytes, behind the head
};

shared_block::head& shared_block::first() const noexcept {
  return *std::launder(reinterpret_cast<head*>(begin()));
}

std::shared_ptr<shared_block> shared_block::create(std::size_t size) {
  static_assert(sizeof(head) <= head_size);
  const std::size_t whole = head_size + (size + line - 1) / line * line;
  if (whole < size) os::throw_system_error(ENOMEM, "create an arena of " + std::to_string(size) + " bytes");
  unique_handle memory = os::create_memory(whole);
  os::mapping mapped(memory, whole, os::access::read_write);
  ::new (mapped.bytes().data()) head{block_mark, 0};
  auto block = std::make_shared<shared_block>(std::move(memory), std::move(mapped));
  remember(block, block->identity_);
  return block;
}

std::shared_ptr<shared_block> shared_block::adopt(unique_handle memory) {
  const identity_key key = key_of(os::identify_memory(memory));
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  if (const auto found = here.known.find(key); found != here.known.end())
    if (auto block = found->second.lock()) return block;

  const os::memory_facts facts = os::examine_memory(memory);
  const bool is_sound = facts.is_memory && facts.is_writable && facts.is_sealed && facts.is_allocated;
  if (!is_sound || facts.size < head_size)
    throw archive_error("the memory received with a synchronisation object is not sealed, writable memory");
  os::mapping mapped(memory, facts.size, os::access::read_write);
  if (std::launder(reinterpret_cast<const head*>(mapped.bytes().data()))->mark != block_mark)
    throw archive_error("the memory received with a synchronisation object holds something else");
  auto block = std::make_shared<shared_block>(std::move(memory), std::move(mapped));
  here.known[key] = block;
  return block;
}

shared_block::shared_block(unique_handle handle, os::mapping memory) noexcept
    : handle_(std::move(handle)), memory_(std::move(memory)), identity_(os::identify_memory(handle_)) {}

shared_block::~shared_block() {
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  const auto found = here.known.find(key_of(identity_));
  // A second mapping may have taken the place meanwhile.
  if (found != here.known.end() && found->second.expired()) here.known.erase(found);
}

std::size_t shared_block::used() const noexcept {
  return first().used.load(std::memory_order_relaxed);
}

std::byte* shared_block::take(shared_kind kind, std::size_t size) {
  const std::size_t whole = (sizeof(label) + size + line - 1) / line * line;
  std::atomic<std::uint64_t>& taken = first().used;
  std::uint64_t offset = taken.load(std::memory_order_relaxed);
  do {
    if (offset > this->size() || whole > this->size() - offset)
      os::throw_system_error(ENOSPC, "place " + std::to_string(whole) + " bytes in an arena of " +
                                         std::to_string(this->size()) + " of which " +
                                         std::to_string(offset) + " are taken: make a larger one");
  } while (!taken.compare_exchange_weak(offset, offset + whole, std::memory_order_relaxed));
  std::byte* const piece = begin() + head_size + offset;
  ::new (piece) label{kind, static_cast<std::uint32_t>(size)};
  return piece + sizeof(label);
}

std::byte* shared_block::find(std::uint64_t offset, shared_kind kind, std::size_t size) const {
  const auto refuse = [&] {
    throw archive_error("there is no such synchronisation object at offset " + std::to_string(offset) +
                        " of the memory received with it");
  };
  const std::size_t all = memory_.bytes().size();
  if (offset % line != sizeof(label) || offset < head_size || offset > all || size > all - offset) refuse();
  const label found = *std::launder(reinterpret_cast<const label*>(begin() + offset - sizeof(label)));
  if (found.kind != kind || found.size != size) refuse();
  return begin() + offset;
}

}  // namespace ferry::detail
