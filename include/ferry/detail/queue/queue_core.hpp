// SPDX-License-Identifier: BSL-1.0
// The untyped queue behind queue<T> and joinable_queue<T>.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/archive/bare_message.hpp>
#include <ferry/detail/archive/scratch_block.hpp>
#include <ferry/detail/queue/lease_ticket.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/queue_options.hpp>
#include <ferry/transfer.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {

/// An item as it came out of a queue.
struct taken_item {
  scratch_block memory;
  std::vector<unique_handle> handles;
  std::uint32_t format = 0;
  lease_ticket lease;

  std::span<const std::byte> bytes() const noexcept { return memory.block.bytes(); }
};

/// Copies are the same queue. Thread-safe, but for assignment.
class queue_core {
 public:
  /// @param tasks  what is taken is a task that counts until `task_done`
  explicit queue_core(const queue_options& options, bool tasks = false);
  /// From what `parts` gave.
  /// @throws archive_error  when it is no queue
  queue_core(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
             transfer mode, const limits& limit);

  const archive_options& packing() const;
  /// Whether items are just the bytes that they are: no other way is registered for any type.
  bool takes_plain_bytes() const;

  bool put(std::span<const std::byte> bytes, std::uint32_t format, std::span<const unique_handle> handles,
           deadline until);
  enum class taking { for_good, under_lease };
  bool get(taken_item& into, taking how, deadline until);
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
  /// Memory, event, and the two ends of what carries handles.
  std::tuple<handle_view, handle_view, handle_view, handle_view, transfer, limits> parts() const;

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
      if (queue.takes_plain_bytes()) {
        return queue.put(std::as_bytes(std::span(&value, 1)), 0, {}, until);
      }
    }
    scratch_block memory;
    forking_oarchive archive(std::move(memory.block), queue.packing());
    archive << value;
    bare_message what = archive.finish_bare();
    memory.block = std::move(what.bytes);
    return queue.put(memory.block.bytes(), what.format, what.handles, until);
  } else {
    std::terminate();
  }
}

template <class T>
T decode_value(taken_item& item, const archive_options& options) {
  if constexpr (is_bitwise<T> && sizeof(T) <= most_of_few_on_stack) {
    if (item.format == 0 && item.bytes().size() == sizeof(T)) {
      std::array<std::byte, sizeof(T)> copy;
      std::memcpy(copy.data(), item.bytes().data(), sizeof(T));
      return std::bit_cast<T>(copy);
    }
  }
  if constexpr (check_returned<T>()) {
    forking_iarchive archive(item.bytes(), std::move(item.handles), item.format, options);
    try {
      return make_whole<T>(archive);
    } catch (...) {
      archive.give_up();
    }
  } else {
    std::terminate();
  }
}

/// What cannot be read here cannot be read by another consumer either: its lease, if it has one, ends here.
template <class T>
T value_of(taken_item& item, queue_core& from) {
  try {
    return decode_value<T>(item, from.packing());
  } catch (...) {
    if (item.lease.serial != 0) from.end_lease(item.lease, false);
    throw;
  }
}

}  // namespace detail
}  // namespace ferry
