// SPDX-License-Identifier: BSL-1.0
// The handle by which an event loop learns that there is something to take.
#pragma once

#include <ferry/handle.hpp>

#include "queue/ring.hpp"

namespace ferry::detail {

/// An event that is readable whenever there is something to take, or the queue is closed. Costs nothing until
/// a process asks for it.
///
/// It is raised before an item is committed, and cleared under both locks after a look at the queue: so it is
/// never down while there is something, whichever process is killed. It may be up with nothing there, where a
/// producer was killed between the two; `is_ready` puts that right.
class readiness {
 public:
  explicit readiness(ring& items);
  /// @throws archive_error  unless it is an event
  readiness(ring& items, unique_handle event);

  handle_view handle() const noexcept { return event_; }
  /// From here on the handle is right.
  void watch();
  /// Under the producers' lock, before an item is committed or the queue closed.
  void announce() noexcept {
    if (items_.head().watched.load(std::memory_order_relaxed) != 0) [[unlikely]]
      raise();
  }
  /// Under the consumers' lock, before an item is given back.
  void announce_return() {
    if (items_.head().watched.load(std::memory_order_relaxed) == 0) return;
    const ring::producer lock(items_, deadline::never());
    raise();
  }
  /// Under the consumers' lock, after an item has been taken.
  void settle() {
    if (items_.head().watched.load(std::memory_order_relaxed) != 0 && items_.looks_empty()) [[unlikely]]
      clear();
  }
  /// Whether there is something to take, or the end; if not, the handle is not readable either.
  bool is_ready();

 private:
  void raise() noexcept;
  void clear();

  ring& items_;
  unique_handle event_;
};

}  // namespace ferry::detail
