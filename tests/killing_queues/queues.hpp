// SPDX-License-Identifier: BSL-1.0
// Common parts of the tests that kill users of a queue.
#pragma once

#include <ferry/queue.hpp>

#include "support/killing.hpp"

#include <boost/serialization/vector.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

namespace ferry::test {

using parcels = queue<parcel>;

inline parcel take(parcels& from) {
  auto got = from.get_for(patience);
  if (!got) throw std::runtime_error("nothing came in time");
  return std::move(*got);
}

/// One that has been used already.
inline std::shared_ptr<parcels> used_queue(const queue_options& options = {}) {
  auto queue = std::make_shared<parcels>(options);
  queue->put(parcel(0, small, 0));
  check_parcel(take(*queue), 0);
  return queue;
}

/// Empty, and to be closed.
inline void check_closes(parcels& queue) {
  BOOST_TEST(queue.size() == 0U);
  queue.close();
  BOOST_CHECK_THROW(queue.get(), end_of_stream);
}

}  // namespace ferry::test
