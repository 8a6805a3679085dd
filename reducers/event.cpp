// SPDX-License-Identifier: BSL-1.0
// Reducer of events: they cross as the memory they are in.
#include <ferry/event.hpp>

#include "sync/event_state.hpp"

namespace ferry {

std::tuple<handle_view, std::uint64_t> reducer<event>::reduce(const event& shared) {
  return shared.location_.parts();
}

event reducer<event>::rebuild(unique_handle memory, std::uint64_t offset) {
  return event(
      detail::shared_location(std::move(memory), offset, detail::event_kind, sizeof(detail::event_state)));
}

}  // namespace ferry
