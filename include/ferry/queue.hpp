// A queue in shared memory.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/queue_core.hpp>
#include <ferry/detail/queue_iterator.hpp>
#include <ferry/detail/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/reducer.hpp>
#include <ferry/transfer.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace ferry {

/// What `close` does with the items that are still in a queue.
enum class closing {
  drain,    ///< they can be taken
  discard,  ///< they are dropped
};

/// A first-in first-out queue for any number of producers and consumers, in any process.
///
/// An item is written by the caller of `put`, who gets the error if that fails, into memory that all who have
/// the queue share; there is no thread and no other process behind it. Whoever is killed, at any instruction,
/// the others go on: an item is in the queue whole or not at all, and at most the one in the hands of a
/// killed consumer is lost.
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
class queue {
 public:
  using value_type = T;

  /// @throws system_error  when memory or descriptors have run out; it takes four
  explicit queue(const queue_options& options = {}) : core_(options) {}

  /// @name Putting
  /// @throws what `dumps` does; nothing is put then
  /// @throws queue_closed
  /// @throws limit_exceeded  when the item alone takes more than `max_bytes`
  /// @throws system_error  when memory has run out; nothing is put then, and the queue usable
  /// Of items with handles the system keeps about 270 in flight: more wait for room.
  ///@{
  void put(const T& item) { put_until(item, deadline::never()); }
  bool try_put(const T& item) { return put_until(item, deadline::immediately()); }
  template <class Rep, class Period>
  bool put_for(const T& item, std::chrono::duration<Rep, Period> time) {
    return put_until(item, deadline::after(time));
  }
  /// @returns false when there was no room until then; nothing was put
  bool put_until(const T& item, deadline until) { return detail::put_value(core_, item, until); }
  ///@}

  /// @name Taking
  /// @throws end_of_stream  when the queue is closed and everything has been taken
  /// @throws what `loads` does: the item is lost then, and the next can be taken
  /// @throws std::bad_alloc  when there is no memory for the item, which stays in the queue
  /// @throws system_error  when there are no descriptors for what it holds; it stays in the queue, unless it
  ///                       holds more than 252 handles
  ///@{
  T get() { return *get_until(deadline::never()); }
  std::optional<T> try_get() { return get_until(deadline::immediately()); }
  template <class Rep, class Period>
  std::optional<T> get_for(std::chrono::duration<Rep, Period> time) {
    return get_until(deadline::after(time));
  }
  /// @returns nothing when nothing came until then
  std::optional<T> get_until(deadline until) {
    detail::taken_item item;
    if (!core_.get(item, until)) return std::nullopt;
    return detail::value_of<T>(item, core_.packing());
  }
  ///@}

  /// Takes items until the queue is closed and empty. An input range: each item is seen once, by one of all
  /// that take.
  auto begin() { return detail::queue_iterator<queue>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// How many items can be taken: exact at one moment during the call. Never blocks.
  std::size_t size() const noexcept { return core_.size(); }
  bool empty() const noexcept { return size() == 0; }
  /// Whether the bounds let nothing more in, not even the smallest item.
  bool full() const noexcept { return core_.full(); }

  /// Nothing more is put, by anyone: every `put` throws from here on, in all processes, also those that are
  /// waiting for room. Who takes gets the rest, or nothing more, and then the end of the stream. Closing
  /// again does nothing, but that `discard` drops what is there.
  void close(closing rest = closing::drain) { core_.close(rest == closing::discard); }
  bool closed() const noexcept { return core_.closed(); }

  /// For event loops and `ferry::wait`: readable when there is something to take, or the queue is closed.
  /// Borrowed. From the first call on, in any process, putting into an empty queue and emptying it take a
  /// system call. Where a producer has been killed it may be readable with nothing there, until somebody
  /// tries to take: use the `try_` form, or `ferry::wait`, which looks twice.
  native_handle_type native_handle() const { return core_.native_handle(); }
  friend bool is_ready(const queue& it) { return it.core_.is_ready(); }

 private:
  friend struct reducer<queue>;
  explicit queue(detail::queue_core core) noexcept : core_(std::move(core)) {}

  detail::queue_core core_;
};

namespace detail {
struct queue_name {
  static constexpr std::string_view name = "ferry.queue";
};
}  // namespace detail

/// Crosses as its handles, with the transfer mode and the limits of its items.
template <class T>
struct reducer<queue<T>> {
  static constexpr std::string_view name = detail::shareable_wire_name<detail::queue_name, T>::value;
  static constexpr bool guarded = true;
  static auto reduce(const queue<T>& queue) { return queue.core_.parts(); }
  static queue<T> rebuild(unique_handle memory, unique_handle event, unique_handle reader,
                          unique_handle writer, transfer mode, const limits& limit) {
    return ferry::queue<T>(detail::queue_core(std::move(memory), std::move(event), std::move(reader),
                                              std::move(writer), mode, limit));
  }
};

}  // namespace ferry
