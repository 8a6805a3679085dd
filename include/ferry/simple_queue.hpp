// SPDX-License-Identifier: BSL-1.0
// Simple queues: a packet socket whose two ends all share, and nothing else.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/queue/queue_iterator.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/message.hpp>
#include <ferry/reducer.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

namespace detail {

/// What a simple queue is, whatever it holds: a queue of messages. Copies are the same queue.
class message_socket {
 public:
  explicit message_socket(const archive_options& options);
  /// From both ends, as they arrived.
  /// @throws archive_error  unless they are packet sockets
  message_socket(unique_handle reader, unique_handle writer, const archive_options& options);

  /// How the items are written: into memory of the queue's own where they are large.
  const archive_options& packing() const;
  bool put(message what, deadline until);
  std::optional<message> get(deadline until);
  bool valid() const noexcept { return state_ != nullptr; }
  bool empty() const;
  bool closed() const;
  void close();
  native_handle_type native_handle() const;
  std::tuple<handle_view, handle_view, const archive_options&> parts() const;

 private:
  struct state;
  state& held() const;

  std::shared_ptr<state> state_;
};

}  // namespace detail

/// A first-in first-out queue for any number of producers and consumers, in any process. It has no state but
/// the system's: an item is one packet of a local socket, which is put whole or not at all and taken by one
/// consumer or none, so whichever process is killed, the others go on. For most purposes `queue` is the
/// better one: it is much faster, and knows its size and bounds. This one is for few or large items, and for
/// what must not depend on memory that another process can write.
///
/// Room: what the system gives a socket (208 KiB by default; about 270 small items, 24 items over 64 KiB).
/// A large item is in shared memory, which travels with it; live objects in items travel too.
///
/// A value: copies are the same queue. Guarded: it crosses to children that are being started, and at any
/// time with `transfer::duplicate`. The table of `archive_options` does not cross.
///
/// Blocking: the plain forms wait for as long as it takes, `try_` forms not at all, `_for` and `_until` forms
/// up to their time. Thread-safe, but for assignment.
///
///   ferry::simple_queue<job> jobs;
///   ferry::process worker(ferry::fn<&work>, jobs);   // for (job& each : jobs) ...
///   jobs.put({1, "first"});
///   jobs.close();                                     // ends the loop when the rest is taken
template <class T>
class simple_queue {
 public:
  using value_type = T;

  /// @param options  transfer mode, dispatch table and limits of the items
  /// @throws system_error  when descriptors have run out; it takes two
  explicit simple_queue(const archive_options& options = {}) : socket_(options) {}

  /// @name Putting
  /// @throws what `dumps` does, in the caller; nothing is put then
  /// @throws queue_closed
  ///@{
  void put(const T& item) { put_value(item, deadline::never()); }
  bool try_put(const T& item) { return put_value(item, deadline::immediately()); }
  template <class Rep, class Period>
  bool put_for(const T& item, std::chrono::duration<Rep, Period> time) {
    return put_value(item, deadline::after(time));
  }
  /// @returns false when there was no room until then; nothing was put
  bool put_until(const T& item, deadline until) { return put_value(item, until); }
  ///@}

  /// @name Taking
  /// @throws end_of_stream  when the queue is closed and everything has been taken
  /// @throws what `loads` does, and `system_error` with `std::errc::too_many_files_open` when there is no
  /// descriptor left for what the item holds: it is lost then, and the next can be taken
  ///@{
  T get() { return detail::load_value<T>(std::move(*socket_.get(deadline::never())), socket_.packing()); }
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
  auto begin() { return detail::queue_iterator<simple_queue>(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Whether there was nothing to take; others may put and take at any time.
  /// @throws end_of_stream  when the queue is closed and everything has been taken
  bool empty() const { return socket_.empty(); }

  /// Nothing more is put, by any process: every `put` throws from here on, here and in all processes, also
  /// those that are waiting for room. What is in the queue can be taken. Does nothing when the queue is
  /// closed.
  void close() { socket_.close(); }
  bool closed() const { return socket_.closed(); }
  /// False when it was moved from.
  bool valid() const noexcept { return socket_.valid(); }

  /// For event loops and `ferry::wait`: readable when there is something to take, or the queue is closed.
  /// Borrowed.
  native_handle_type native_handle() const { return socket_.native_handle(); }

 private:
  friend struct reducer<simple_queue>;
  explicit simple_queue(detail::message_socket socket) noexcept : socket_(std::move(socket)) {}

  bool put_value(const T& item, deadline until) {
    return socket_.put(detail::dump_value(item, socket_.packing()), until);
  }
  std::optional<T> take(deadline until) {
    std::optional<message> item = socket_.get(until);
    if (!item) return std::nullopt;
    return detail::optional_of<T>(
        [&]() -> T { return detail::load_value<T>(std::move(*item), socket_.packing()); });
  }

  detail::message_socket socket_;
};

namespace detail {
struct simple_queue_name {
  static constexpr std::string_view name = "ferry.simple_queue";
};
}  // namespace detail

/// Crosses as the handles of its ends, with the transfer mode and the limits of its items.
template <class T>
struct reducer<simple_queue<T>> {
  static constexpr auto name = detail::shareable_wire_name<detail::simple_queue_name, T>::value;
  static constexpr bool guarded = true;
  static auto reduce(const simple_queue<T>& queue) { return queue.socket_.parts(); }
  static simple_queue<T> rebuild(unique_handle reader, unique_handle writer, const archive_options& options) {
    return simple_queue<T>(detail::message_socket(std::move(reader), std::move(writer), options));
  }
};

}  // namespace ferry
