// SPDX-License-Identifier: BSL-1.0
// The mutex of the standard library works among threads only.
#include <ferry/archive.hpp>

#include <mutex>

struct counter {
  std::mutex guard;
  int count;
};
struct bare_counter {
  int count;
};

#ifdef FERRY_CONTROL
ferry::message send(const bare_counter& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const counter& value) {
  return ferry::dumps(value);
}
#endif
