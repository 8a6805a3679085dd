// SPDX-License-Identifier: BSL-1.0
// Counted permits, and permits with an owner.
#include <ferry/error.hpp>
#include <ferry/semaphore.hpp>

#include "os/handle.hpp"
#include "os/park.hpp"
#include "os/process_identity.hpp"
#include "os/roll.hpp"
#include "sync/eventcount.hpp"
#include "sync/semaphore_state.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <system_error>

namespace ferry {
namespace detail {
namespace {

// How often one who waits asks whether the owners still live: that takes a while for each of them.
constexpr auto time_between_sweeps = os::heartbeat * 9 / 10;

/// The holder of each permit of the owned form, 0: none. Taking one and saying which process has it is one
/// instruction, so there is no moment at which a process could be killed and a permit be lost.
class owned_permits {
 public:
  owned_permits(const shared_location& location, semaphore_state& state, std::uint32_t count) noexcept
      : location_(location), all_(reinterpret_cast<owner*>(&state + 1), count) {}

  bool take() const noexcept {
    const os::process_identity self = os::own_identity();
    return any_from(self, [self](owner& each) {
      os::process_identity unowned = 0;
      return each.load(std::memory_order_relaxed) == 0 && each.compare_exchange_strong(unowned, self);
    });
  }

  /// Takes one of a process that has ended.
  bool take_from_the_dead() const noexcept {
    const os::process_identity self = os::own_identity();
    std::array<os::process_identity, 64> living{};  // so that each is asked once, not for every permit
    return any_from(self, [this, self, &living](owner& each) {
      os::process_identity holder = each.load(std::memory_order_relaxed);
      os::process_identity& known = living[holder % living.size()];
      if (holder == 0 || holder == self || holder == known) return false;
      if (location_.has_ended(holder)) return each.compare_exchange_strong(holder, self);
      known = holder;
      return false;
    });
  }

  /// Gives back one of this process. @returns false if it has none
  bool give_back() const noexcept {
    const os::process_identity self = os::own_identity();
    return any_from(self, [self](owner& each) {
      os::process_identity holder = each.load(std::memory_order_relaxed);
      return holder == self && each.compare_exchange_strong(holder, 0);
    });
  }

  std::ptrdiff_t count_own() const noexcept {
    const os::process_identity self = os::own_identity();
    return std::ranges::count_if(all_, [self](const owner& each) { return each.load() == self; });
  }
  std::ptrdiff_t count_free() const noexcept {
    return std::ranges::count_if(all_, [](const owner& each) { return each.load() == 0; });
  }
  std::vector<std::int64_t> holders() const {
    std::vector<std::int64_t> found;
    for (const owner& each : all_)
      if (const os::process_identity holder = each.load(); holder != 0) found.push_back(os::id_of(holder));
    return found;
  }

 private:
  using owner = std::atomic<os::process_identity>;

  /// Looks from another slot on in each process: they meet less often, and each finds its own sooner.
  template <class Found>
  bool any_from(os::process_identity self, Found&& found) const noexcept {
    // A fraction of all that depends on the id, without a division.
    constexpr std::uint32_t spread = 2654435769;  // 2^32 divided by the golden ratio
    const std::uint32_t fraction = static_cast<std::uint32_t>(self) * spread;
    const auto first =
        all_.begin() + static_cast<std::ptrdiff_t>(std::uint64_t{fraction} * all_.size() >> 32U);
    return std::any_of(first, all_.end(), found) || std::any_of(all_.begin(), first, found);
  }

  const shared_location& location_;
  std::span<owner> all_;
};

std::ptrdiff_t checked(std::ptrdiff_t value, std::ptrdiff_t least, std::ptrdiff_t most) {
  if (value < least || value > most)
    throw usage_error("cannot make a semaphore of " + std::to_string(value) + " permits: from " +
                      std::to_string(least) + " to " + std::to_string(most) + " are possible");
  return value;
}
void check_count(std::ptrdiff_t count) {
  if (count < 1)
    throw usage_error("cannot release " + std::to_string(count) + " permits of a semaphore: at least 1");
}

}  // namespace

shared_semaphore::shared_semaphore(shared_location location, std::ptrdiff_t value, std::ptrdiff_t limit,
                                   std::uint32_t slots)
    : location_(std::move(location)), slots_(slots) {
  ::new (location_.address())
      semaphore_state{gsl::narrow<std::int32_t>(value), gsl::narrow<std::int32_t>(limit), {}, {}};
}

semaphore_state& shared_semaphore::state() const {
  return *std::launder(reinterpret_cast<semaphore_state*>(location_.address()));
}

bool shared_semaphore::take() const {
  if (slots_ != 0) return owned_permits(location_, state(), slots_).take();
  std::atomic<std::int32_t>& value = state().value;
  std::int32_t now = value.load(std::memory_order_relaxed);
  while (now > 0)
    if (value.compare_exchange_weak(now, now - 1)) return true;
  return false;
}

bool shared_semaphore::take_from_the_dead() const {
  return slots_ != 0 && owned_permits(location_, state(), slots_).take_from_the_dead();
}

void shared_semaphore::acquire() const {
  try_acquire_until(deadline::never());
}

bool shared_semaphore::try_acquire() const {
  if (slots_ != 0) location_.join();
  return take() || take_from_the_dead();
}

bool shared_semaphore::try_acquire_until(deadline until) const {
  if (slots_ != 0) location_.join();
  if (take()) return true;
  if (until.is_immediate()) return take_from_the_dead();
  return state().spin([this] { return take(); }) || sleep_for_it(until);
}

bool shared_semaphore::sleep_for_it(deadline until) const {
  eventcount& released = state().released;
  auto next_sweep = deadline::clock::time_point::min();
  for (;;) {
    const std::uint32_t key = released.prepare_wait();
    bool taken = take();
    if (const auto now = deadline::clock::now(); !taken && now >= next_sweep) {
      taken = take_from_the_dead();
      next_sweep = now + time_between_sweeps;
    }
    if (taken || until.expired()) {
      released.leave([this] { return value() > 0; });
      return taken;
    }
    released.wait(key, until);
  }
}

void shared_semaphore::add(std::ptrdiff_t count) const {
  check_count(count);
  semaphore_state& shared = state();
  std::int32_t now = shared.value.load(std::memory_order_relaxed);
  do {
    if (count > std::ptrdiff_t{shared.limit} - now)
      throw usage_error("cannot release " + std::to_string(count) + " permits of a semaphore with " +
                        std::to_string(now) + ": it may have " + std::to_string(shared.limit));
  } while (!shared.value.compare_exchange_weak(now, gsl::narrow<std::int32_t>(now + count)));
  constexpr std::ptrdiff_t all = std::numeric_limits<int>::max();
  shared.released.notify(gsl::narrow_cast<int>(std::min(count, all)));
}

std::ptrdiff_t shared_semaphore::value() const {
  if (slots_ != 0) return owned_permits(location_, state(), slots_).count_free();
  return std::max(state().value.load(), 0);
}

}  // namespace detail

semaphore::semaphore(std::ptrdiff_t value)
    : shared_semaphore({detail::semaphore_kind, detail::size_of_semaphore(0)},
                       detail::checked(value, 0, max()), max(), 0) {}
semaphore::semaphore(const arena& in, std::ptrdiff_t value)
    : shared_semaphore({in, detail::semaphore_kind, detail::size_of_semaphore(0)},
                       detail::checked(value, 0, max()), max(), 0) {}

semaphore semaphore::owned(std::ptrdiff_t permits) {
  const auto slots = gsl::narrow<std::uint32_t>(detail::checked(permits, 1, max_owned));
  return {{detail::semaphore_kind, detail::size_of_semaphore(slots), os::roll::usual_seats},
          permits,
          permits,
          slots};
}
semaphore semaphore::owned(const arena& in, std::ptrdiff_t permits) {
  const auto slots = gsl::narrow<std::uint32_t>(detail::checked(permits, 1, max_owned));
  return {{in, detail::semaphore_kind, detail::size_of_semaphore(slots)}, permits, permits, slots};
}

void semaphore::release(std::ptrdiff_t count) const {
  if (!is_owned()) {
    add(count);
    return;
  }
  detail::check_count(count);
  const detail::owned_permits permits(location(), state(), slots());
  const auto refuse = [&] {
    os::throw_system_error(std::errc::operation_not_permitted,
                           "release " + std::to_string(count) +
                               " permits of a semaphore of which this process holds fewer: those of "
                               "the owned form are given back by the process that took them");
  };
  if (count > 1 && permits.count_own() < count) refuse();
  for (std::ptrdiff_t done = 0; done < count; ++done) {
    if (!permits.give_back()) refuse();
    state().released.notify(1);
  }
}

std::vector<std::int64_t> semaphore::holders() const {
  detail::semaphore_state& here = state();
  if (!is_owned()) return {};
  return detail::owned_permits(location(), here, slots()).holders();
}

std::ostream& operator<<(std::ostream& out, const semaphore& shown) {
  out << "ferry::semaphore(value " << shown.value();
  if (!shown.is_owned()) return out << ')';
  out << " of " << shown.slots();
  const char* before = ", held by ";
  for (const std::int64_t holder : shown.holders()) {
    out << before << holder;
    before = ", ";
  }
  return out << ')';
}

bounded_semaphore::bounded_semaphore(std::ptrdiff_t value)
    : shared_semaphore({detail::bounded_semaphore_kind, detail::size_of_semaphore(0)},
                       detail::checked(value, 0, max()), value, 0) {}
bounded_semaphore::bounded_semaphore(const arena& in, std::ptrdiff_t value)
    : shared_semaphore({in, detail::bounded_semaphore_kind, detail::size_of_semaphore(0)},
                       detail::checked(value, 0, max()), value, 0) {}

void bounded_semaphore::release(std::ptrdiff_t count) const {
  add(count);
}

std::ostream& operator<<(std::ostream& out, const bounded_semaphore& shown) {
  return out << "ferry::bounded_semaphore(value " << shown.value() << " of " << shown.state().limit << ')';
}

}  // namespace ferry
