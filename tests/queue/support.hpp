// SPDX-License-Identifier: BSL-1.0
// What the tests of queues share.
#pragma once

#include <ferry/archive.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>

namespace ferry::test {

/// An item that cannot be written.
struct unwilling {
  template <class Archive>
  void serialize(Archive&, unsigned) {
    throw std::runtime_error("not today");
  }
};

/// Is written, and cannot be read if its number is below zero.
struct poison {
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number;
    if (Archive::is_loading::value && number < 0) throw std::runtime_error("poisoned");
  }
};

/// The next item, within `patience`.
template <class Queue>
typename Queue::value_type take(Queue& from) {
  auto item = from.get_for(patience);
  if (!item) throw std::runtime_error("nothing came in time");
  return std::move(*item);
}

template <class Queue>
Queue another_copy_of(const Queue& it) {
  return loads<Queue>(dumps(it, any_time), any_time);
}

/// A thread that waits until that throws a `Closed`, which is counted: Boost.Test is for one thread.
/// @param told  outlives the thread
template <class Closed, class Wait>
std::thread waiting_to_be_told(std::atomic<int>& told, Wait wait) {
  return std::thread([&told, wait] {
    try {
      wait();
    } catch (const Closed&) {
      ++told;
    }
  });
}

}  // namespace ferry::test
