// SPDX-License-Identifier: BSL-1.0
// Handing out pieces of a block, and finding the one mapping of a block that arrives again.
#include "sync/shared_block.hpp"

#include <ferry/error.hpp>

#include "base/peer_memory.hpp"
#include "os/handle.hpp"
#include "os/process_identity.hpp"
#include "sync/lock_state.hpp"
#include "sync/semaphore_state.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
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
  // Nothing refers to them, but this process holds something in them. Without a handle.
  std::map<identity_key, std::unique_ptr<shared_block>> retired;
};
// Never destroyed: objects of static duration may outlive any order.
blocks_here& mapped_blocks() {
  static auto& here = *new blocks_here;
  return here;
}

identity_key key_of(const os::memory_identity& identity) {
  return {identity.device, identity.number};
}

void forget_unlocked(blocks_here& here) {
  std::erase_if(here.retired, [](const auto& each) { return !each.second->is_held_by_this_process(); });
}

}  // namespace

struct shared_block::head {
  std::uint64_t mark;
  std::atomic<std::uint64_t> used;  // in bytes, behind the head
  std::uint64_t roll;               // bytes of the roll at the end; never changes
};

shared_block::head& shared_block::first() const noexcept {
  return objects_in<head>(memory_.bytes(), 0, 1)[0];
}

std::shared_ptr<shared_block> shared_block::create(std::size_t size, std::size_t seats) {
  static_assert(sizeof(head) <= head_size);
  const std::size_t roll = seats == 0 ? 0 : os::roll::bytes_for(seats);
  const std::size_t pieces = (size + line - 1) / line * line, whole = head_size + pieces + roll;
  if (pieces < size || whole < pieces)
    os::throw_system_error(std::errc::not_enough_memory,
                           "create an arena of " + std::to_string(size) + " bytes");
  unique_handle memory = os::create_memory(whole);
  os::mapping mapped(memory, whole, os::access::read_write);
  ::new (mapped.bytes().data()) head{block_mark, 0, roll};
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  forget_unlocked(here);
  return remember(std::make_unique<shared_block>(std::move(memory), std::move(mapped)));
}

// What can fail comes first: giving up a block takes the lock that is held here.
std::shared_ptr<shared_block> shared_block::remember(std::unique_ptr<shared_block> block) {
  struct reference {
    ~reference() {
      if (block) retire(std::move(block));
    }
    std::unique_ptr<shared_block> block;
  };
  std::weak_ptr<shared_block>& slot = mapped_blocks().known[key_of(block->identity_)];
  const auto last = std::make_shared<reference>();
  last->block = std::move(block);
  std::shared_ptr<shared_block> shared(last, last->block.get());
  slot = shared;
  return shared;
}

void shared_block::retire(std::unique_ptr<shared_block> block) noexcept {
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  const identity_key key = key_of(block->identity_);
  // A second mapping may be known instead meanwhile.
  if (const auto found = here.known.find(key); found != here.known.end() && found->second.expired())
    here.known.erase(found);
  forget_unlocked(here);
  if (!block->is_held_by_this_process()) return;
  try {
    // The mapping will do; a descriptor arrives with the next copy.
    auto& kept = here.retired.emplace(key, nullptr).first->second;
    block->handle_ = {};
    kept = std::move(block);
  } catch (const std::bad_alloc&) {
    static_cast<void>(block.release());  // stays mapped for good
  }
}

std::shared_ptr<shared_block> shared_block::adopt(unique_handle memory) {
  const identity_key key = key_of(os::identify_memory(memory));
  blocks_here& here = mapped_blocks();
  const std::lock_guard lock(here.mutex);
  if (const auto found = here.known.find(key); found != here.known.end())
    if (auto block = found->second.lock()) return block;
  forget_unlocked(here);
  if (const auto found = here.retired.find(key); found != here.retired.end()) {
    auto block = std::move(found->second);
    here.retired.erase(found);
    block->handle_ = std::move(memory);
    return remember(std::move(block));
  }

  const os::memory_facts facts = os::examine_memory(memory);
  const bool is_sound = facts.is_memory && facts.is_writable && facts.is_sealed && facts.is_allocated;
  if (!is_sound || facts.size < head_size)
    throw archive_error("the memory received with a synchronisation object is not sealed, writable memory");
  os::mapping mapped(memory, facts.size, os::access::read_write);
  if (objects_in<head>(mapped.bytes(), 0, 1)[0].mark != block_mark)
    throw archive_error("the memory received with a synchronisation object holds something else");
  return remember(std::make_unique<shared_block>(std::move(memory), std::move(mapped)));
}

shared_block::shared_block(unique_handle handle, os::mapping memory)
    : handle_(std::move(handle)), memory_(std::move(memory)), identity_(os::identify_memory(handle_)) {
  const std::span<std::byte> all = memory_.bytes();
  const std::uint64_t roll = first().roll;
  if (roll > all.size() - head_size || roll % alignof(std::uint64_t) != 0 ||
      (roll != 0 && roll < os::roll::bytes_for(1)))
    throw archive_error("the memory received with a synchronisation object holds something else");
  size_ = all.size() - head_size - static_cast<std::size_t>(roll);
  if (roll != 0) roll_.place(all.last(static_cast<std::size_t>(roll)));
}

std::size_t shared_block::used() const noexcept {
  return first().used.load(std::memory_order_relaxed);
}

std::byte* shared_block::take(shared_kind kind, std::size_t size) {
  const std::size_t whole = (sizeof(label) + size + line - 1) / line * line;
  std::atomic<std::uint64_t>& taken = first().used;
  std::uint64_t offset = taken.load(std::memory_order_relaxed);
  do {
    if (offset > this->size() || whole > this->size() - offset || offset % line != 0)
      os::throw_system_error(std::errc::no_space_on_device,
                             "place " + std::to_string(whole) + " bytes in an arena of " +
                                 std::to_string(this->size()) + " of which " + std::to_string(offset) +
                                 " are taken: make a larger one");
  } while (!taken.compare_exchange_weak(offset, offset + whole, std::memory_order_relaxed));
  const auto piece = objects_in<std::byte>(pieces(), gsl::narrow<std::size_t>(offset), whole);
  ::new (piece.data()) label{kind, gsl::narrow<std::uint32_t>(size)};
  return piece.subspan(sizeof(label)).data();
}

std::byte* shared_block::find(std::uint64_t offset, shared_kind kind, std::size_t size) const {
  const auto refuse = [&] {
    throw archive_error("there is no such synchronisation object at offset " + std::to_string(offset) +
                        " of the memory received with it");
  };
  const std::size_t all = head_size + this->size();
  if (offset % line != sizeof(label) || offset < head_size || offset > all || size > all - offset) refuse();
  const auto at = gsl::narrow<std::size_t>(offset) - head_size;
  const auto found = copy_out<label>(pieces(), at - sizeof(label));
  if (found.kind != kind || found.size != size) refuse();
  return objects_in<std::byte>(pieces(), at, size).data();
}

// Piece by piece; one that was never completed, because who took it was killed, is empty lines.
bool shared_block::is_held_by_this_process() const noexcept {
  const std::size_t all = std::min<std::size_t>(used(), size());
  const os::process_identity identity = os::own_identity();
  const auto self = static_cast<std::uint32_t>(os::id_of(identity));
  for (std::size_t offset = 0; offset < all && all - offset >= sizeof(label);) {
    const auto found = copy_out<label>(pieces(), offset);
    const std::size_t whole = (sizeof(label) + found.size + line - 1) / line * line;
    const bool is_lock = (found.kind == mutex_kind || found.kind == recursive_mutex_kind) &&
                         found.size == sizeof(lock_state) && whole <= all - offset;
    if (is_lock) {
      const auto& state = objects_in<lock_state>(pieces(), offset + sizeof(label), 1)[0];
      if (state.owner_thread() != 0 && state.inside() == self) return true;
    }
    if (found.kind == semaphore_kind && roll_.has_joined() && found.size >= sizeof(semaphore_state) &&
        whole <= all - offset) {
      using owner = std::atomic<os::process_identity>;
      const std::size_t permits = (found.size - sizeof(semaphore_state)) / sizeof(owner);
      const auto owners =
          objects_in<owner>(pieces(), offset + sizeof(label) + sizeof(semaphore_state), permits);
      if (std::any_of(owners.begin(), owners.end(),
                      [=](const auto& each) { return each.load() == identity; }))
        return true;
    }
    offset += whole;
  }
  return false;
}

}  // namespace ferry::detail
