// What the tests of queues share.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/queue.hpp>

#include "support/child.hpp"

#include <stdexcept>
#include <utility>

namespace ferry::test {

inline constexpr archive_options any_time{.mode = transfer::duplicate};

/// The next item, within `patience`.
template <class T>
T take(queue<T>& from) {
  auto item = from.get_for(patience);
  if (!item) throw std::runtime_error("nothing came in time");
  return std::move(*item);
}

template <class T>
queue<T> another_copy_of(const queue<T>& it) {
  return loads<queue<T>>(dumps(it, any_time), any_time);
}

}  // namespace ferry::test
