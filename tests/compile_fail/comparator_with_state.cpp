// SPDX-License-Identifier: BSL-1.0
// A comparator that is a pointer does not travel with its container.
#include <ferry/archive.hpp>

#include <functional>
#include <set>

#ifdef FERRY_CONTROL
using numbers = std::set<int, std::greater<>>;
#else
using numbers = std::set<int, bool (*)(int, int)>;
#endif

numbers receive(ferry::message from) {
  return ferry::loads<numbers>(std::move(from));
}
