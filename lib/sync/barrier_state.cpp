// SPDX-License-Identifier: BSL-1.0
// The rounds of a barrier.
#include "sync/barrier_state.hpp"

#include <chrono>

namespace ferry::detail {
namespace {

bool is_before(std::uint32_t left, std::uint32_t right) noexcept {
  return static_cast<std::int32_t>(left - right) < 0;
}

}  // namespace

barrier_state::barrier_state(std::int64_t timeout) noexcept
    : last_outcome_(round_outcome::passed(~0U)), timeout_(timeout) {
  for (auto& each : breaks_) each = round_outcome::passed(~0U);
}

std::optional<round_outcome> barrier_state::outcome(round_word once) const noexcept {
  const std::uint32_t round = once.round();
  const round_outcome last(last_outcome_.load());
  if (last.round() == round) return last;
  if (is_before(last.round(), round)) return std::nullopt;
  const round_outcome next_break(breaks_[once.breaks() % kept].load());
  const std::uint32_t breaks = round_word(now_.load()).breaks_since(once.breaks());
  if (breaks >= kept) return round_outcome(round_outcome::broken(round, broken_barrier::cause::forgotten, 0));
  return breaks != 0 && next_break.round() == round ? next_break
                                                    : round_outcome(round_outcome::passed(round));
}

round_outcome barrier_state::last_break(round_word now) const noexcept {
  const round_outcome last(breaks_[(now.breaks() - 1) % kept].load());
  if (!last.is_passed()) return last;
  return round_outcome(round_outcome::broken(now.round(), broken_barrier::cause::forgotten, 0));
}

round_word barrier_state::current() noexcept {
  const round_word now(now_.load());
  const round_outcome last(last_outcome_.load());
  if (last.round() != now.round()) return now;
  begin_next(last);
  return round_word(now_.load());
}

void barrier_state::begin_next(round_outcome ended) noexcept {
  std::uint64_t now = now_.load();
  while (round_word(now).round() == ended.round()) {
    if (!ended.is_passed()) {
      // Not by one who is so late that the slot serves another break meanwhile.
      std::atomic<std::uint64_t>& slot = breaks_[round_word(now).breaks() % kept];
      std::uint64_t before = slot.load();
      if (round_word(now_.load()).round() != ended.round()) return;
      slot.compare_exchange_strong(before, ended.word());
    }
    if (now_.compare_exchange_weak(now, round_word(now).after(ended).word())) return;
  }
}

bool barrier_state::end(std::uint32_t round, std::uint64_t outcome) noexcept {
  std::uint64_t before = last_outcome_.load();
  bool is_first = false;
  while (is_before(round_outcome(before).round(), round) &&
         !(is_first = last_outcome_.compare_exchange_weak(before, outcome))) {
  }
  if (is_first) begin_next(round_outcome(outcome));
  moved_.notify_all();
  return is_first;
}

bool barrier_state::is_time_to_look_for_the_dead() noexcept {
  const auto since = deadline::clock::now().time_since_epoch();
  const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  std::int64_t last = last_look_.load();
  constexpr std::int64_t interval = (os::heartbeat * 9 / 10).count();
  return (now - last >= interval || now < last) && last_look_.compare_exchange_strong(last, now);
}

}  // namespace ferry::detail
