// SPDX-License-Identifier: BSL-1.0
// Taking from a queue as from a range.
#pragma once

#include <ferry/detail/archive/in_passing.hpp>
#include <ferry/error.hpp>

#include <cstddef>
#include <iterator>
#include <optional>

namespace ferry::detail {

/// An input iterator whose every step takes an item, and which ends where the queue does.
template <class Queue>
class queue_iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = typename Queue::value_type;
  using difference_type = std::ptrdiff_t;

  /// Takes the first item.
  explicit queue_iterator(Queue& queue) : queue_(&queue) { ++*this; }

  value_type& operator*() const noexcept { return **item_; }
  queue_iterator& operator++() {
    item_.reset();  // what it holds is free while this waits
    try {
      item_.emplace([&]() -> value_type { return queue_->get(); });
    } catch (const end_of_stream&) {
    }
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const queue_iterator& at, std::default_sentinel_t) noexcept { return !at.item_; }

 private:
  Queue* queue_;
  mutable std::optional<in_passing<value_type>> item_;  // the range's, not the iterator's
};

}  // namespace ferry::detail
