// SPDX-License-Identifier: BSL-1.0
// Raising and clearing the event of a queue.
#include "queue/readiness.hpp"

#include <ferry/error.hpp>

#include "os/event_handle.hpp"

#include <utility>

namespace ferry::detail {

readiness::readiness(ring& items) : items_(items), event_(os::create_event_handle()) {}

readiness::readiness(ring& items, unique_handle event) : items_(items), event_(std::move(event)) {
  if (!os::is_event_handle(event_))
    throw archive_error(
        "a queue arrived with a handle for its event that is not an event: its message is damaged, or the "
        "sender wrote another handle");
}

void readiness::watch() {
  ring_head& head = items_.head();
  if (head.watched.load(std::memory_order_acquire) != 0) return;
  // Under the lock: a producer that puts after this announces it, and one that did before is seen here.
  const ring::producer lock(items_, deadline::never());
  if (!items_.looks_empty() || items_.closed()) raise();
  head.watched.store(1, std::memory_order_release);
}

void readiness::raise() noexcept {
  std::uint32_t& raised = items_.head().raised;
  if (raised != 0) return;
  os::raise_event(event_);
  raised = 1;
}

void readiness::clear() {
  // Always this lock inside the other one, never the other way round.
  const ring::producer lock(items_, deadline::immediately());
  if (!lock.holds() || !items_.looks_empty() || items_.closed()) return;
  // In this order: killed in between, it is up and said to be down, and is raised once more than need be.
  items_.head().raised = 0;
  os::clear_event(event_);
}

bool readiness::is_ready() {
  if (!items_.looks_empty() || items_.closed()) return true;
  const ring::consumer lock(items_, deadline::immediately());
  if (!lock.holds()) return false;
  settle();
  return !items_.looks_empty() || items_.closed();
}

}  // namespace ferry::detail
