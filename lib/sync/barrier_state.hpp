// SPDX-License-Identifier: BSL-1.0
// The state of a barrier in shared memory: its round, how each of the last rounds ended, and who takes part.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/barrier.hpp>

#include "os/park.hpp"
#include "os/process_identity.hpp"
#include "sync/eventcount.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ferry::detail {

inline constexpr shared_kind barrier_kind = make_shared_kind("barr");

/// How a round ended, in one word: its number, why, and which process brought that about.
class round_outcome {
 public:
  static std::uint64_t passed(std::uint32_t round) noexcept { return std::uint64_t{round} << 32U; }
  static std::uint64_t broken(std::uint32_t round, broken_barrier::cause why, std::int64_t pid) noexcept {
    return passed(round) | (std::uint64_t{1} + static_cast<std::uint8_t>(why)) << pid_bits |
           (static_cast<std::uint64_t>(pid) & pid_mask);
  }

  explicit round_outcome(std::uint64_t word) noexcept : word_(word) {}
  std::uint64_t word() const noexcept { return word_; }
  std::uint32_t round() const noexcept { return static_cast<std::uint32_t>(word_ >> 32U); }
  bool is_passed() const noexcept { return cause_and_one() == 0; }
  broken_barrier::cause why() const noexcept {
    return static_cast<broken_barrier::cause>(cause_and_one() - 1);
  }
  std::int64_t pid() const noexcept { return static_cast<std::int64_t>(word_ & pid_mask); }
  /// Whether the barrier stays broken.
  bool lasts() const noexcept { return !is_passed() && why() != broken_barrier::cause::reset; }

 private:
  // Linux has no process ids beyond 22 bits (PID_MAX_LIMIT).
  static constexpr unsigned pid_bits = 24;
  static constexpr std::uint64_t pid_mask = (std::uint64_t{1} << pid_bits) - 1;
  std::uint8_t cause_and_one() const noexcept { return static_cast<std::uint8_t>(word_ >> pid_bits); }

  std::uint64_t word_;
};

/// The round that is on, in one word: its number, how many have come, whether the barrier is broken, and how
/// many rounds have ended otherwise than by passing.
class round_word {
 public:
  explicit round_word(std::uint64_t word) noexcept : word_(word) {}

  std::uint64_t word() const noexcept { return word_; }
  std::uint32_t round() const noexcept { return static_cast<std::uint32_t>(word_ >> 32U); }
  std::uint32_t arrived() const noexcept { return static_cast<std::uint32_t>(word_ & arrived_mask); }
  bool is_broken() const noexcept { return (word_ & broken_bit) != 0; }
  std::uint32_t breaks() const noexcept {
    return static_cast<std::uint32_t>(word_ >> breaks_at) & breaks_mask;
  }
  /// Breaks since then, when the number was `before`.
  std::uint32_t breaks_since(std::uint32_t before) const noexcept {
    return (breaks() - before) & breaks_mask;
  }

  round_word with_one_more() const noexcept { return round_word(word_ + 1); }
  round_word in_order() const noexcept { return round_word(word_ & ~broken_bit); }
  round_word after(round_outcome ended) const noexcept {
    const std::uint64_t breaks_then = ended.is_passed() ? breaks() : (breaks() + 1) & breaks_mask;
    return round_word(std::uint64_t{round() + 1} << 32U | breaks_then << breaks_at |
                      (ended.lasts() ? broken_bit : 0));
  }

 private:
  static constexpr std::uint64_t arrived_mask = (std::uint64_t{1} << 17U) - 1, broken_bit = arrived_mask + 1;
  static constexpr unsigned breaks_at = 18;
  static constexpr std::uint32_t breaks_mask = (1U << (32 - breaks_at)) - 1;
  static_assert(shared_barrier::max() <= static_cast<std::ptrdiff_t>(arrived_mask));

  std::uint64_t word_;
};

/// No lock: a party arrives by adding itself to `now`, and a round ends when its outcome is written, once and
/// by the first that does it: the last party, one that has waited for too long, one that finds a member dead,
/// ... That the next round begins is a consequence which any party draws that comes by, so a process may be
/// killed between any two steps.
class barrier_state {
 public:
  explicit barrier_state(std::int64_t timeout) noexcept;

  /// The round that is on; begins the next one if that is due.
  round_word current() noexcept;
  /// @returns false when it changed meanwhile
  bool replace(round_word seen, round_word by) noexcept {
    std::uint64_t expected = seen.word();
    return now_.compare_exchange_strong(expected, by.word());
  }
  /// How the round that was on once ended; nothing while it is still on. A party may be late by any number of
  /// rounds that others went through in its place, and by fewer than `kept` breaks.
  std::optional<round_outcome> outcome(round_word once) const noexcept;
  /// What broke the barrier, if it is broken.
  round_outcome last_break(round_word now) const noexcept;
  /// Ends a round that is on, begins the next, wakes all.
  /// @returns false when the round had ended otherwise
  bool end(std::uint32_t round, std::uint64_t outcome) noexcept;

  /// One process at a time, and not too often.
  bool is_time_to_look_for_the_dead() noexcept;

  std::int64_t timeout() const noexcept { return timeout_; }
  eventcount& moved() noexcept { return moved_; }
  os::adaptive_spin& spin() noexcept { return spin_; }

 private:
  static constexpr std::uint32_t kept = 16;

  void begin_next(round_outcome ended) noexcept;

  std::atomic<std::uint64_t> now_{0};
  std::atomic<std::uint64_t> last_outcome_;  // of the round that is on, or of the one before
  eventcount moved_{};
  os::adaptive_spin spin_;
  std::int64_t timeout_;  // in nanoseconds
  std::atomic<std::int64_t> last_look_{0};
  std::array<std::atomic<std::uint64_t>, kept> breaks_;  // outcome of break number n at n % kept
};

using barrier_slot = std::atomic<os::process_identity>;
static_assert(sizeof(barrier_state) % alignof(barrier_slot) == 0);

/// More processes may take turns than there are parties; each has a slot behind the state.
inline constexpr std::uint32_t extra_slots = 64;
constexpr std::size_t size_of_barrier(std::uint32_t parties) noexcept {
  return sizeof(barrier_state) + (std::size_t{parties} + extra_slots) * sizeof(barrier_slot);
}

}  // namespace ferry::detail
