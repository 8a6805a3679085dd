// SPDX-License-Identifier: BSL-1.0
// The one word of a condition variable: counts of the waiters, and of those that may go.
#include "sync/condition_state.hpp"

#include "os/handle.hpp"
#include "os/park.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <system_error>

namespace ferry::detail {
namespace {

/// The word, taken apart.
struct counts {
  static constexpr std::uint64_t most = 0xffff;

  explicit counts(std::uint64_t word) noexcept
      : sequence(static_cast<std::uint32_t>(word)), waiting(word >> 32U & most), notified(word >> 48U) {}
  std::uint64_t word() const noexcept { return sequence | waiting << 32U | notified << 48U; }

  std::uint32_t sequence;
  std::uint64_t waiting, notified;
};

/// Sleepers park on the half of the word with the sequence number. Only the kernel looks at it by itself.
const os::park_word& sequence_in(const std::atomic<std::uint64_t>& word) noexcept {
  constexpr std::size_t half = std::endian::native == std::endian::little ? 0 : 1;
  return reinterpret_cast<const os::park_word*>(&word)[half];
}

/// Replaces the word by what `change` makes of it, in one step; not if `change` says no.
template <class Change>
bool update(std::atomic<std::uint64_t>& word, Change&& change) noexcept {
  std::uint64_t before = word.load();
  for (;;) {
    counts now(before);
    if (!change(now)) return false;
    if (word.compare_exchange_weak(before, now.word())) return true;
  }
}

}  // namespace

std::uint32_t condition_state::enter() {
  std::uint32_t sequence = 0;
  const bool entered = update(word_, [&](counts& now) {
    if (now.waiting + now.notified == counts::most) return false;
    ++now.waiting;
    sequence = now.sequence;
    return true;
  });
  if (!entered)
    os::throw_system_error(
        std::errc::resource_unavailable_try_again,
        "wait on a condition variable on which " + std::to_string(counts::most) + " wait already");
  return sequence;
}

bool condition_state::take_notification(std::uint32_t entered) noexcept {
  return update(word_, [&](counts& now) {
    if (now.sequence == entered || now.notified == 0) return false;
    --now.notified;
    return true;
  });
}

// Looks again at each heartbeat: a notifier may have been killed before it woke a waiter.
bool condition_state::sleep(std::uint32_t entered, deadline until) {
  for (std::uint32_t seen = entered; !take_notification(entered); seen = counts(word_.load()).sequence) {
    if (until.expired()) return leave(entered);
    os::park(sequence_in(word_), seen, os::next_heartbeat(until));
  }
  return true;
}

bool condition_state::leave(std::uint32_t entered) noexcept {
  bool was_notified = false;
  update(word_, [&](counts& now) {
    was_notified = now.sequence != entered && now.notified > 0;
    std::uint64_t& own = was_notified ? now.notified : now.waiting;
    own -= std::min<std::uint64_t>(own, 1);
    return true;
  });
  return was_notified;
}

void condition_state::notify(std::uint32_t count) noexcept {
  std::uint64_t chosen = 0;
  const bool has_waiters = update(word_, [&](counts& now) {
    chosen = std::min<std::uint64_t>(now.waiting, count);
    now.waiting -= chosen;
    now.notified += chosen;
    ++now.sequence;
    return chosen != 0;
  });
  if (!has_waiters) return;
  // Those who slept before a wake-up for them was lost still sleep: when all are meant, all are woken.
  if (chosen == count) {
    os::unpark(sequence_in(word_), static_cast<int>(chosen));
  } else {
    os::unpark_all(sequence_in(word_));
  }
}

std::uint32_t condition_state::waiting() const noexcept {
  return static_cast<std::uint32_t>(counts(word_.load()).waiting);
}

}  // namespace ferry::detail
