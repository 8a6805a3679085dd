// SPDX-License-Identifier: BSL-1.0
// Flags of what is done once.
#include <ferry/once_flag.hpp>

#include "sync/once_state.hpp"

#include <new>
#include <ostream>

namespace ferry {

once_flag::once_flag() : location_(detail::once_kind, sizeof(detail::once_state)) {
  ::new (location_.address()) detail::once_state;
}

once_flag::once_flag(const arena& in) : location_(in, detail::once_kind, sizeof(detail::once_state)) {
  ::new (location_.address()) detail::once_state;
}

detail::once_state& once_flag::state() const {
  return *std::launder(reinterpret_cast<detail::once_state*>(location_.address()));
}

bool once_flag::is_done() const {
  return state().is_done();
}

std::ostream& operator<<(std::ostream& out, const once_flag& flag) {
  return out << "ferry::once_flag(" << (flag.is_done() ? "done" : "not done") << ')';
}

namespace detail {

once_attempt::once_attempt(const once_flag& flag) : state_(flag.state()) {
  state_.begin();
}

once_attempt::~once_attempt() {
  state_.end();
}

bool once_attempt::is_needed() const noexcept {
  return !state_.is_done();
}

void once_attempt::succeed() noexcept {
  state_.set_done();
}

}  // namespace detail
}  // namespace ferry
