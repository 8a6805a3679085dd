// SPDX-License-Identifier: BSL-1.0
// The common base of the queues in shared memory.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/queue/queue_core.hpp>
#include <ferry/detail/queue/queue_iterator.hpp>
#include <ferry/handle.hpp>
#include <ferry/queue_options.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace ferry {

namespace detail {

/// The members of `queue` and `joinable_queue` that are the same.
template <class T>
class basic_queue {
 public:
  using value_type = T;

  /// @name Putting
  /// @throws what `dumps` does; nothing is put then
  /// @throws queue_closed
  /// @throws limit_exceeded  when the item alone takes more than `max_bytes`
  /// @throws system_error  when memory has run out; nothing is put then, and the queue usable
  /// Of items with handles the system keeps about 270 in flight: more wait for room.
  ///@{
  void put(const T& item) { put_value(core_, item, deadline::never()); }
  bool try_put(const T& item) { return put_value(core_, item, deadline::immediately()); }
  template <class Rep, class Period>
  bool put_for(const T& item, std::chrono::duration<Rep, Period> time) {
    return put_value(core_, item, deadline::after(time));
  }
  /// @returns false when there was no room until then; nothing was put
  bool put_until(const T& item, deadline until) { return put_value(core_, item, until); }
  ///@}

  /// @name Taking
  /// @throws end_of_stream  when the queue is closed and everything has been taken
  /// @throws what `loads` does: the item is lost then, and the next can be taken
  /// @throws std::bad_alloc  when there is no memory for the item, which stays in the queue
  /// @throws system_error  when there are no descriptors for what it holds; it stays in the queue, unless it
  ///                       holds more than 252 handles
  ///@{
  T get() {
    item_of<T> item;
    item.get(core_, queue_core::taking::for_good, deadline::never());
    return item.value(core_);
  }
  std::optional<T> try_get() { return take(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<T> get_for(std::chrono::duration<Rep, Period> time) {
    return take(deadline::after(time));
  }
  /// @returns nothing when nothing came until then
  std::optional<T> get_until(deadline until) { return take(until); }
  ///@}

  /// Takes items until the queue is closed and empty. An input range: each item is seen once, by one of all
  /// that take.
  auto begin() { return queue_iterator<basic_queue>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// How many items can be taken: exact at one moment during the call. Never blocks.
  std::size_t size() const { return core_.size(); }
  bool empty() const { return size() == 0; }
  /// Whether the bounds let nothing more in, not even the smallest item.
  bool full() const { return core_.full(); }

  /// Nothing more is put, by any process: every `put` throws from here on, in all processes, also those that
  /// are waiting for room. Who takes gets the rest, or nothing more, and then the end of the stream. Closing
  /// again does nothing, but that `discard` drops what is there.
  void close(closing rest = closing::drain) { core_.close(rest == closing::discard); }
  bool closed() const { return core_.closed(); }

  /// False when it was moved from.
  bool valid() const noexcept { return core_.valid(); }

  /// For event loops and `ferry::wait`: readable when there is something to take, or the queue is closed.
  /// Borrowed. From the first call on, in any process, putting into an empty queue and emptying it take a
  /// system call. Where a producer has been killed it may be readable with nothing there, until a process
  /// tries to take: use the `try_` form, or `ferry::wait`, which looks twice.
  native_handle_type native_handle() const { return core_.native_handle(); }
  friend bool is_ready(const basic_queue& it) { return it.core_.is_ready(); }

 protected:
  explicit basic_queue(queue_core core) noexcept : core_(std::move(core)) {}
  ~basic_queue() = default;
  basic_queue(const basic_queue&) = default;
  basic_queue(basic_queue&&) noexcept = default;
  basic_queue& operator=(const basic_queue&) = default;
  basic_queue& operator=(basic_queue&&) noexcept = default;

  queue_core core_;

 private:
  std::optional<T> take(deadline until) {
    item_of<T> item;
    if (!item.get(core_, queue_core::taking::for_good, until)) return std::nullopt;
    return optional_of<T>([&]() -> T { return item.value(core_); });
  }
};

/// Crosses as its handles, with the transfer mode and the limits of its items.
template <class Queue>
struct queue_reducer {
  static constexpr bool guarded = true;
  static auto reduce(const Queue& queue) { return queue.core_.parts(); }
  static Queue rebuild(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
                       const archive_options& options) {
    return Queue(
        queue_core(std::move(memory), std::move(event), std::move(reader), std::move(writer), options));
  }
};

}  // namespace detail
}  // namespace ferry
