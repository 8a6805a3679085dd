// SPDX-License-Identifier: BSL-1.0
// Events as values: flags that count their changes.
#include <ferry/event.hpp>

#include "os/park.hpp"
#include "sync/event_state.hpp"

#include <atomic>
#include <new>
#include <ostream>

namespace ferry {
namespace detail {
namespace {

// One word: the number of changes, in steps of 2, so that its lowest bit tells whether the flag is set; and
// below it a bit that is set while a thread may sleep on the word. Setting the flag and letting go the
// waiters is thus one instruction; and a waiter knows from any change that it was set.
constexpr std::uint32_t has_sleepers = 1, set = 2, change = 2;

constexpr bool is_set_in(std::uint32_t word) noexcept {
  return (word & set) != 0;
}
constexpr std::uint32_t changes_in(std::uint32_t word) noexcept {
  return word & ~has_sleepers;
}

}  // namespace
}  // namespace detail

using detail::changes_in;
using detail::has_sleepers;
using detail::is_set_in;

event::event() : event(detail::shared_location(detail::event_kind, sizeof(detail::event_state))) {
  ::new (location_.address()) detail::event_state{};
}
event::event(const arena& in)
    : event(detail::shared_location(in, detail::event_kind, sizeof(detail::event_state))) {
  ::new (location_.address()) detail::event_state{};
}

detail::event_state& event::state() const {
  return *std::launder(reinterpret_cast<detail::event_state*>(location_.address()));
}

void event::set() const {
  os::park_word& word = state().word;
  std::uint32_t seen = word.load();
  do {
    if (is_set_in(seen)) return;
  } while (!word.compare_exchange_weak(seen, changes_in(seen) + detail::change));
  if ((seen & has_sleepers) != 0) os::unpark_all(word);
}

void event::clear() const {
  os::park_word& word = state().word;
  std::uint32_t seen = word.load();
  while (is_set_in(seen) && !word.compare_exchange_weak(seen, seen + detail::change)) {
  }
}

bool event::is_set() const {
  return is_set_in(state().word.load());
}

void event::wait() const {
  wait_until(deadline::never());
}

bool event::wait_until(deadline until) const {
  os::park_word& word = state().word;
  std::uint32_t seen = word.load();
  if (is_set_in(seen)) return true;
  if (until.is_immediate()) return false;
  const std::uint32_t before = changes_in(seen);
  const auto has_changed = [&]() noexcept { return changes_in(seen = word.load()) != before; };
  if (state().spin(has_changed)) return true;
  while (!has_changed()) {
    if (until.expired()) return false;
    if (seen == before && !word.compare_exchange_strong(seen, before | has_sleepers)) continue;
    os::park(word, before | has_sleepers, os::next_heartbeat(until));
  }
  return true;
}

std::ostream& operator<<(std::ostream& out, const event& shown) {
  return out << "ferry::event(" << (shown.is_set() ? "set" : "not set") << ')';
}

}  // namespace ferry
