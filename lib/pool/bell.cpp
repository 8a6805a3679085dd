// SPDX-License-Identifier: BSL-1.0
// The bell: a word of shared memory, and an event for those who wait for other things too.
#include "pool/bell.hpp"

#include <ferry/error.hpp>

#include "os/event_handle.hpp"

#include <new>
#include <utility>

namespace ferry {

namespace {

constexpr std::size_t memory_size = 4096;

}  // namespace

pool_bell::pool_bell() {
  unique_handle memory = os::create_memory(memory_size);
  unique_handle event = os::create_event_handle();
  state_ = std::make_unique<state>(std::move(memory), std::move(event));
}

pool_bell::pool_bell(unique_handle memory, unique_handle event) {
  const os::memory_facts facts = os::examine_memory(memory);
  if (!facts.is_memory || !facts.is_writable || !facts.is_sealed || facts.size < memory_size ||
      !os::is_event_handle(event))
    throw archive_error("a worker was given " + std::to_string(facts.size) +
                        " bytes of memory and an event as the bell of its "
                        "pool: it takes " +
                        std::to_string(memory_size) + " bytes of sealed, writable memory and an event");
  state_ = std::make_unique<state>(std::move(memory), std::move(event));
}

pool_bell::pool_bell(pool_bell&&) noexcept = default;
pool_bell::~pool_bell() = default;

pool_bell::state::state(unique_handle shared, unique_handle raised)
    : memory(std::move(shared)),
      event(std::move(raised)),
      mapped(memory, memory_size, os::access::read_write),
      words(std::launder(reinterpret_cast<bell_words*>(mapped.bytes().data()))) {}

void pool_bell::ring() noexcept {
  bell_words& words = *state_->words;
  // The change of the sequence and the look at who listens are sequentially consistent, as are the listener's
  // note and its look at the sequence: one of the two sees the other.
  words.sequence.fetch_add(1, std::memory_order_seq_cst);
  if (words.listening.load(std::memory_order_seq_cst) == bell_words::nobody) return;
  switch (words.listening.exchange(bell_words::nobody, std::memory_order_seq_cst)) {
    case bell_words::a_waiter:
      os::unpark_all(words.sequence);
      break;
    case bell_words::the_keeper:
      os::raise_event(state_->event);
      break;
    default:
      break;
  }
}

handle_view pool_bell::memory() const noexcept {
  return state_->memory;
}
handle_view pool_bell::event() const noexcept {
  return state_->event;
}

bool pool_bell::is_first_to_fail() noexcept {
  return state_->words->told.exchange(1, std::memory_order_relaxed) == 0;
}
void pool_bell::none_fails() noexcept {
  state_->words->told.store(0, std::memory_order_relaxed);
}

bell_listener::bell_listener(pool_bell& bell) : bell_(bell), own_event_(os::create_event_handle()) {}

std::uint32_t bell_listener::count() const noexcept {
  return bell_.state_->words->sequence.load(std::memory_order_seq_cst);
}

bool bell_listener::spin(std::uint32_t heard) noexcept {
  const bell_words& words = *bell_.state_->words;
  return spin_([&] { return words.sequence.load(std::memory_order_acquire) != heard; });
}

void bell_listener::sleep(std::uint32_t heard, deadline until) {
  bell_words& words = *bell_.state_->words;
  words.listening.store(bell_words::a_waiter, std::memory_order_seq_cst);
  os::park(words.sequence, heard, os::next_heartbeat(until));
}

bool bell_listener::call_keeper(std::uint32_t heard) noexcept {
  bell_.state_->words->listening.store(bell_words::the_keeper, std::memory_order_seq_cst);
  return count() == heard;
}

void bell_listener::ignore() noexcept {
  // Only read, as a rule: workers read it too.
  std::atomic<std::uint32_t>& listening = bell_.state_->words->listening;
  if (listening.load(std::memory_order_relaxed) != bell_words::nobody)
    listening.store(bell_words::nobody, std::memory_order_seq_cst);
}

void bell_listener::wake_waiter() noexcept {
  bell_words& words = *bell_.state_->words;
  words.sequence.fetch_add(1, std::memory_order_seq_cst);
  os::unpark_all(words.sequence);
}

void bell_listener::wake_keeper() noexcept {
  os::raise_event(own_event_);
}

}  // namespace ferry
