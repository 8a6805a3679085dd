// SPDX-License-Identifier: BSL-1.0
// A queue in shared memory.
#pragma once

#include <ferry/detail/queue/basic_queue.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/lease.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace ferry {

/// A first-in first-out queue for any number of producers and consumers, in any process.
///
/// An item is written by the caller of `put`, who gets the error if that fails, into memory that all who have
/// the queue share; there is no thread and no other process behind it. Whichever process is killed, at any
/// instruction, the others go on: an item is in the queue whole or not at all, and at most the one in the
/// hands of a killed consumer is lost.
///
/// Without bounds it takes what memory there is. With `max_items` or `max_bytes`, `put` waits for room.
///
/// A value: copies are the same queue. Guarded: it crosses to children that are being started, and at any
/// time with `transfer::duplicate`.
///
/// Blocking: the plain forms wait for as long as it takes, `try_` forms not at all (but for another who is
/// just putting or taking), `_for` and `_until` forms up to their time. Who waits looks for a moment, then
/// sleeps. Thread-safe, but for assignment; not to be used from signal handlers.
///
///   ferry::queue<job> jobs({.max_items = 100});
///   ferry::process worker(ferry::fn<&work>, jobs);   // for (job& each : jobs) ...
///   jobs.put({1, "first"});
///   jobs.close();                                     // ends the loop when the rest is taken
template <class T>
class queue : public detail::basic_queue<T> {
 public:
  /// @throws system_error  when memory or descriptors have run out; it takes four
  explicit queue(const queue_options& options = {}) : detail::basic_queue<T>(detail::queue_core(options)) {}

  /// @name Taking under a lease
  /// The item stays in the queue's memory, though not in its size, until it is acknowledged: if the process
  /// that has it ends first, however it ends, another one gets it. A closed queue ends when no process has a
  /// lease any longer that could come back; but for a process that has one itself, at once. The kernel tells
  /// of its end, by a thread that a process has from its first lease on; see `semaphore::owned`. 1000
  /// processes at a time may have taken leases.
  /// @throws as the other forms of taking; system_error  when there is no memory, no thread or no place for
  /// it
  ///@{
  lease<T> get_leased() {
    detail::item_of<T> item;
    item.get(this->core_, detail::queue_core::taking::under_lease, deadline::never());
    detail::in_passing<T> value([&]() -> T { return item.value(this->core_); });
    return lease<T>(std::move(value), this->core_, item.lease());
  }
  std::optional<lease<T>> try_get_leased() { return get_leased_until(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<lease<T>> get_leased_for(std::chrono::duration<Rep, Period> time) {
    return get_leased_until(deadline::after(time));
  }
  std::optional<lease<T>> get_leased_until(deadline until) {
    detail::item_of<T> item;
    if (!item.get(this->core_, detail::queue_core::taking::under_lease, until)) return std::nullopt;
    detail::in_passing<T> value([&]() -> T { return item.value(this->core_); });
    return std::optional<lease<T>>(std::in_place, std::move(value), this->core_, item.lease());
  }
  ///@}

 private:
  friend struct detail::queue_reducer<queue>;
  explicit queue(detail::queue_core core) noexcept : detail::basic_queue<T>(std::move(core)) {}
};

namespace detail {
struct queue_name {
  static constexpr std::string_view name = "ferry.queue";
};
}  // namespace detail

template <class T>
struct reducer<queue<T>> : detail::queue_reducer<queue<T>> {
  static constexpr auto name = detail::shareable_wire_name<detail::queue_name, T>::value;
};

}  // namespace ferry
