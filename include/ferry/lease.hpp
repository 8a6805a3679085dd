// SPDX-License-Identifier: BSL-1.0
// Leases: items that their queue remembers until they are done with.
#pragma once

#include <ferry/detail/archive/in_passing.hpp>
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/queue/queue_core.hpp>
#include <ferry/error.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace ferry {

/// An item of a queue, taken under a lease: acknowledge it when it is done with. Dropped without that, also
/// by an exception, it goes back and a consumer takes it again; so it does when this process ends.
///
///   while (true) {
///     ferry::lease<job> next = jobs.get_leased();
///     work_on(*next);
///     next.ack();
///   }
///
/// Movable, not copyable; not thread-safe. A copy that `fork` makes has no lease.
template <class T>
class lease {
 public:
  /// For queues.
  lease(detail::in_passing<T> value, detail::queue_core queue, const detail::lease_ticket& ticket)
      : value_(std::move(value)), queue_(std::move(queue)), ticket_(ticket) {}
  lease(lease&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(other.value_)),
        queue_(std::move(other.queue_)),
        ticket_(std::exchange(other.ticket_, detail::lease_ticket{})) {}
  lease& operator=(lease&& other) noexcept(std::is_nothrow_move_assignable_v<T>) {
    std::swap(value_, other.value_);
    std::swap(queue_, other.queue_);
    std::swap(ticket_, other.ticket_);
    return *this;
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  ~lease() {
    if (!valid()) return;
    try {
      give_back();
    } catch (const error&) {
      // The queue is damaged, and those who use it are told.
    }
  }

  T& value() {
    check();
    return *value_;
  }
  const T& value() const {
    check();
    return *value_;
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return std::addressof(value()); }
  const T* operator->() const { return std::addressof(value()); }
  /// False when it was moved from.
  bool valid() const noexcept { return queue_.valid(); }

  /// The item is done with, and gone from the queue. Does nothing when the lease has ended.
  void ack() { end(false); }
  /// A consumer is to take the item again, as it was put: changes of the value here are not seen there. It is
  /// taken before those that wait. Does nothing when the lease has ended.
  void give_back() { end(true); }

 private:
  void check() const {
    if (!valid()) detail::throw_empty("lease");
  }
  void end(bool give_back) {
    check();
    const detail::lease_ticket mine = std::exchange(ticket_, detail::lease_ticket{});
    if (mine.serial != 0) queue_.end_lease(mine, give_back);
  }

  detail::in_passing<T> value_;
  detail::queue_core queue_;
  detail::lease_ticket ticket_;
};

}  // namespace ferry
