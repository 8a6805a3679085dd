// SPDX-License-Identifier: BSL-1.0
// The doorbell: a word of shared memory, and an event for those who wait for other things too.
#include "pool/doorbell.hpp"

#include <ferry/error.hpp>

#include "os/event_handle.hpp"

#include <new>
#include <utility>

namespace ferry {

namespace {

constexpr std::size_t memory_size = 4096;

}  // namespace

doorbell::doorbell() {
  unique_handle memory = os::create_memory(memory_size);
  unique_handle event = os::create_event_handle();
  state_ = std::make_unique<state>(std::move(memory), std::move(event));
}

doorbell::doorbell(unique_handle memory, unique_handle event) {
  const os::memory_facts facts = os::examine_memory(memory);
  if (!facts.is_memory || !facts.is_writable || !facts.is_sealed || facts.size < memory_size ||
      !os::is_event_handle(event))
    throw archive_error("a worker was given " + std::to_string(facts.size) +
                        " bytes of memory and an event as the doorbell of its "
                        "pool: it takes " +
                        std::to_string(memory_size) + " bytes of sealed, writable memory and an event");
  state_ = std::make_unique<state>(std::move(memory), std::move(event));
}

doorbell::doorbell(doorbell&&) noexcept = default;
doorbell::~doorbell() = default;

doorbell::state::state(unique_handle shared, unique_handle raised)
    : memory(std::move(shared)),
      event(std::move(raised)),
      mapped(memory, memory_size, os::access::read_write),
      words(std::launder(reinterpret_cast<doorbell_words*>(mapped.bytes().data()))) {}

void doorbell::ring() noexcept {
  doorbell_words& words = *state_->words;
  words.sequence.fetch_add(1);
  words.waiter.notify_all();
  if (words.keeper.claim()) os::raise_event(state_->event);
}

handle_view doorbell::memory() const noexcept {
  return state_->memory;
}
handle_view doorbell::event() const noexcept {
  return state_->event;
}

bool doorbell::is_first_to_fail() noexcept {
  return state_->words->told.exchange(1, std::memory_order_relaxed) == 0;
}
void doorbell::none_fails() noexcept {
  state_->words->told.store(0, std::memory_order_relaxed);
}

doorbell_listener::doorbell_listener(doorbell& bell) : bell_(bell), own_event_(os::create_event_handle()) {}

std::uint32_t doorbell_listener::count() const noexcept {
  return bell_.state_->words->sequence.load(std::memory_order_seq_cst);
}

bool doorbell_listener::spin(std::uint32_t heard) noexcept {
  const doorbell_words& words = *bell_.state_->words;
  return spin_([&] { return words.sequence.load(std::memory_order_acquire) != heard; });
}

void doorbell_listener::sleep(std::uint32_t heard, deadline until) {
  doorbell_words& words = *bell_.state_->words;
  const std::uint32_t key = words.waiter.prepare_wait();
  words.keeper.claim();
  if (count() == heard) words.waiter.wait(key, until);
}

bool doorbell_listener::call_keeper(std::uint32_t heard) noexcept {
  doorbell_words& words = *bell_.state_->words;
  words.keeper.prepare_wait();
  words.waiter.claim();
  return count() == heard;
}

void doorbell_listener::ignore() noexcept {
  doorbell_words& words = *bell_.state_->words;
  words.waiter.claim();
  words.keeper.claim();
}

void doorbell_listener::wake_waiter() noexcept {
  doorbell_words& words = *bell_.state_->words;
  words.sequence.fetch_add(1);
  words.waiter.notify_all();
}

void doorbell_listener::wake_keeper() noexcept {
  os::raise_event(own_event_);
}

}  // namespace ferry
