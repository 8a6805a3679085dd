// SPDX-License-Identifier: BSL-1.0
// The untyped queue behind queue<T> and joinable_queue<T>.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/archive/scratch_message.hpp>
#include <ferry/detail/queue/lease_ticket.hpp>
#include <ferry/handle.hpp>
#include <ferry/message.hpp>
#include <ferry/queue_options.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <tuple>

namespace ferry {

namespace detail {

/// Copies are the same queue. Thread-safe, but for assignment.
class queue_core {
 public:
  /// @param tasks  what is taken is a task that counts until `task_done`
  explicit queue_core(const queue_options& options, bool tasks = false);
  /// From what `parts` gave.
  /// @throws archive_error  when it is no queue
  queue_core(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
             const archive_options& options);

  const archive_options& packing() const;
  bool put(const message_view& what, deadline until);
  enum class taking { for_good, under_lease };
  /// @param lease  gets that of the item, if it is under one; a task always is
  /// @returns false when nothing came until then
  bool get(message& into, lease_ticket& lease, taking how, deadline until);
  /// The item is done with, or to be taken again. Does nothing when the lease is over already.
  void end_lease(const lease_ticket& lease, bool give_back);
  /// Ends the oldest lease of this process. @throws usage_error  when it has no lease
  void task_done();
  /// @returns false when not all was done until then
  /// @throws tasks_lost
  bool join(deadline until);

  bool valid() const noexcept { return state_ != nullptr; }
  std::size_t size() const;
  bool full() const;
  bool closed() const;
  void close(bool discard);
  native_handle_type native_handle() const;
  bool is_ready() const;
  /// Memory, event, the two ends of what carries handles, and the options of items.
  std::tuple<handle_view, handle_view, handle_view, handle_view, const archive_options&> parts() const;

 private:
  struct state;
  state& held() const;

  std::shared_ptr<state> state_;
};

/// Puts a value of any type that can cross. What cannot be written is thrown before anything is put.
template <class T>
bool put_value(queue_core& queue, const T& value, deadline until) {
  if constexpr (check_crossing<T, going::out>()) {
    if constexpr (is_bitwise<T>) {
      if (writes_plain(queue.packing()))
        return queue.put({.bytes = std::as_bytes(std::span(&value, 1))}, until);
    }
    scratch_message item;
    forking_oarchive archive(item.what.take_buffer(), queue.packing());
    archive << value;
    item.what = archive.finish_bare();
    return queue.put(item.what, until);
  } else {
    std::terminate();
  }
}

template <class T>
T read_item(message& item, const archive_options& options) {
  if constexpr (is_bitwise<T> && sizeof(T) <= most_of_few_on_stack) {
    if (item.format() == 0 && item.bytes().size() == sizeof(T)) {
      std::array<std::byte, sizeof(T)> copy;
      std::memcpy(copy.data(), item.bytes().data(), sizeof(T));
      return std::bit_cast<T>(copy);
    }
  }
  if constexpr (check_returned<T>()) {
    forking_iarchive archive(item.bytes(), item.take_handles(), item.format(), options);
    return read_whole<T>(archive);
  } else {
    std::terminate();
  }
}

/// An item as it comes out of a queue. What cannot be read here cannot be read by another consumer either:
/// its lease, if it has one, ends here.
template <class T>
class item_of {
 public:
  bool get(queue_core& from, queue_core::taking how, deadline until) {
    return from.get(item_.what, lease_, how, until);
  }
  T value(queue_core& from) {
    try {
      return read_item<T>(item_.what, from.packing());
    } catch (...) {
      if (lease_.serial != 0) from.end_lease(lease_, false);
      throw;
    }
  }
  const lease_ticket& lease() const noexcept { return lease_; }

 private:
  scratch_message item_;
  lease_ticket lease_;
};

}  // namespace detail
}  // namespace ferry
