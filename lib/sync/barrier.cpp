// SPDX-License-Identifier: BSL-1.0
// Waiting for each other, and finding out who will not come any more.
#include <ferry/barrier.hpp>
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/process_identity.hpp"
#include "os/roll.hpp"
#include "sync/barrier_state.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <atomic>
#include <new>
#include <ostream>
#include <span>
#include <string>

namespace ferry {
namespace detail {

/// What the copies of a barrier in one process have in common: their part in it, from the first wait until
/// the last copy goes.
class barrier_member {
 public:
  barrier_member(shared_location location, std::uint32_t parties) noexcept
      : location_(std::move(location)), parties_(parties) {}
  // A forked copy has no part in it.
  ~barrier_member() {
    os::process_identity self = joined_.load();
    if (self != 0 && self == os::own_identity()) slots()[slot_].compare_exchange_strong(self, 0);
  }
  barrier_member(const barrier_member&) = delete;
  barrier_member& operator=(const barrier_member&) = delete;

  const shared_location& location() const noexcept { return location_; }
  std::uint32_t parties() const noexcept { return parties_; }
  barrier_state& state() const noexcept {
    return *std::launder(reinterpret_cast<barrier_state*>(location_.address()));
  }

  void join() const;
  /// @returns the id of a member that has ended, 0 if all live
  std::int64_t find_dead() const noexcept;
  void forget_dead() const noexcept;

 private:
  std::span<barrier_slot> slots() const noexcept {
    return {reinterpret_cast<barrier_slot*>(&state() + 1), std::size_t{parties_} + extra_slots};
  }

  shared_location location_;
  std::uint32_t parties_;
  mutable std::atomic<os::process_identity> joined_{0};
  mutable std::size_t slot_ = 0;
};

void barrier_member::join() const {
  os::process_identity before = joined_.load();
  if (before != 0 && before == os::own_identity()) return;
  const os::process_identity self = location_.join();
  const std::span<barrier_slot> all = slots();
  for (std::size_t i = 0; i < all.size(); ++i) {
    os::process_identity unowned = 0;
    if (all[i].load() != 0 || !all[i].compare_exchange_strong(unowned, self)) continue;
    if (joined_.compare_exchange_strong(before, self)) {
      slot_ = i;
    } else {
      all[i].store(0);  // another thread was faster
    }
    return;
  }
  os::throw_all_seats_taken("wait at a barrier of " + std::to_string(parties_) + " parties at which " +
                            std::to_string(all.size()) +
                            " processes have waited that still have copies of it: drop those that are not "
                            "needed, or make it for more parties");
}

std::int64_t barrier_member::find_dead() const noexcept {
  const os::process_identity self = os::own_identity();
  for (const barrier_slot& each : slots())
    if (const os::process_identity member = each.load();
        member != 0 && member != self && location_.has_ended(member))
      return os::id_of(member);
  return 0;
}

void barrier_member::forget_dead() const noexcept {
  const os::process_identity self = os::own_identity();
  for (barrier_slot& each : slots())
    if (os::process_identity member = each.load();
        member != 0 && member != self && location_.has_ended(member))
      each.compare_exchange_strong(member, 0);
}

namespace {

std::int64_t own_id() noexcept {
  return os::id_of(os::own_identity());
}

std::uint32_t checked(std::ptrdiff_t parties) {
  if (parties < 1 || parties > shared_barrier::max())
    throw usage_error("cannot make a barrier of " + std::to_string(parties) + " parties: from 1 to " +
                      std::to_string(shared_barrier::max()) + " are possible");
  return gsl::narrow<std::uint32_t>(parties);
}

std::size_t seats_of(std::ptrdiff_t parties) noexcept {
  return std::max(os::roll::usual_seats, static_cast<std::size_t>(parties) + extra_slots);
}

std::shared_ptr<const barrier_member> make_member(shared_location location, std::uint32_t parties,
                                                  std::chrono::nanoseconds timeout) {
  ::new (location.address()) barrier_state(timeout.count());
  return std::make_shared<barrier_member>(std::move(location), parties);
}

[[noreturn]] void throw_broken(round_outcome ended) {
  throw broken_barrier(ended.why(), ended.pid());
}

/// One wait.
class barrier_wait {
 public:
  barrier_wait(const barrier_member& member, deadline until) noexcept
      : member_(member), state_(member.state()), until_(until) {}

  std::ptrdiff_t run(const std::function<void()>& action) {
    const round_word mine = arrive();
    if (mine.arrived() + 1 == member_.parties()) complete(mine.round(), action);
    if (const round_outcome ended = wait_for_end_of(mine); !ended.is_passed()) throw_broken(ended);
    return mine.arrived();
  }

 private:
  /// @returns the round as it was before
  round_word arrive() {
    for (;;) {
      const round_word now = state_.current();
      if (now.is_broken()) throw_broken(state_.last_break(now));
      if (now.arrived() >= member_.parties()) {
        // One too many, while the action runs.
        if (const round_outcome ended = wait_for_end_of(now); ended.lasts()) throw_broken(ended);
      } else if (state_.replace(now, now.with_one_more())) {
        return now;
      }
    }
  }

  void complete(std::uint32_t round, const std::function<void()>& action) {
    try {
      if (action) action();
    } catch (...) {
      state_.end(round, round_outcome::broken(round, broken_barrier::cause::action_failed, own_id()));
      throw;
    }
    state_.end(round, round_outcome::passed(round));
  }

  round_outcome wait_for_end_of(round_word once) {
    const std::uint32_t round = once.round();
    std::optional<round_outcome> ended;
    const auto has_ended = [&]() noexcept { return (ended = state_.outcome(once)).has_value(); };
    if (has_ended() || (!until_.is_immediate() && state_.spin()(has_ended))) return *ended;
    for (;;) {
      const std::uint32_t key = state_.moved().prepare_wait();
      if (has_ended()) return *ended;
      if (until_.expired()) {
        state_.end(round, round_outcome::broken(round, broken_barrier::cause::timed_out, own_id()));
      } else if (const std::int64_t dead = look_for_the_dead(); dead != 0) {
        state_.end(round, round_outcome::broken(round, broken_barrier::cause::process_ended, dead));
      } else {
        state_.moved().wait(key, until_);
      }
    }
  }

  std::int64_t look_for_the_dead() noexcept {
    return state_.is_time_to_look_for_the_dead() ? member_.find_dead() : 0;
  }

  const barrier_member& member_;
  barrier_state& state_;
  deadline until_;
};

}  // namespace

shared_barrier::shared_barrier(std::ptrdiff_t parties, std::chrono::nanoseconds timeout)
    : member_(make_member({barrier_kind, size_of_barrier(checked(parties)), seats_of(parties)},
                          checked(parties), timeout)) {}

shared_barrier::shared_barrier(const arena& in, std::ptrdiff_t parties, std::chrono::nanoseconds timeout)
    : member_(make_member({in, barrier_kind, size_of_barrier(checked(parties))}, checked(parties), timeout)) {
}

shared_barrier::shared_barrier(unique_handle memory, std::uint64_t offset, std::uint32_t parties) {
  if (parties < 1 || parties > max())
    throw archive_error("received a barrier of " + std::to_string(parties) + " parties, of which " +
                        std::to_string(max()) + " are possible");
  member_ = std::make_shared<barrier_member>(
      shared_location(std::move(memory), offset, barrier_kind, size_of_barrier(parties)), parties);
}

const shared_location& shared_barrier::location() const {
  return held(member_, "barrier").location();
}

std::tuple<handle_view, std::uint64_t, std::uint32_t> shared_barrier::parts() const {
  return std::tuple_cat(location().parts(), std::tuple(held(member_, "barrier").parties()));
}

deadline shared_barrier::default_deadline() const {
  return deadline::after(std::chrono::nanoseconds(held(member_, "barrier").state().timeout()));
}

std::ptrdiff_t shared_barrier::pass(deadline until, const std::function<void()>& action) const {
  held(member_, "barrier").join();
  return barrier_wait(*member_, until).run(action);
}

std::ptrdiff_t shared_barrier::parties() const {
  return held(member_, "barrier").parties();
}

std::ptrdiff_t shared_barrier::waiting() const {
  return held(member_, "barrier").state().current().arrived();
}

bool shared_barrier::broken() const {
  return held(member_, "barrier").state().current().is_broken();
}

void shared_barrier::abort() const {
  barrier_state& state = held(member_, "barrier").state();
  for (round_word now = state.current(); !now.is_broken(); now = state.current())
    state.end(now.round(), round_outcome::broken(now.round(), broken_barrier::cause::aborted, own_id()));
}

void shared_barrier::reset() const {
  held(member_, "barrier").forget_dead();
  barrier_state& state = held(member_, "barrier").state();
  for (;;) {
    const round_word now = state.current();
    if (now.is_broken()) {
      if (state.replace(now, now.in_order())) return;
    } else if (now.arrived() == 0 ||
               state.end(now.round(),
                         round_outcome::broken(now.round(), broken_barrier::cause::reset, own_id()))) {
      return;
    }
  }
}

std::ostream& operator<<(std::ostream& out, const shared_barrier& shown) {
  const round_word now = held(shown.member_, "barrier").state().current();
  return out << "ferry::barrier(" << now.arrived() << " of " << shown.parties()
             << (now.is_broken() ? " wait, broken)" : " wait)");
}

}  // namespace detail
}  // namespace ferry
