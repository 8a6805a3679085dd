// SPDX-License-Identifier: BSL-1.0
// A pointer to a function means nothing in another process.
#include <ferry/archive.hpp>

struct task {
  void (*work)(int);
  int argument;
};

#ifdef FERRY_CONTROL
enum class work { fill, empty };
struct numbered_task {
  work what;
  int argument;
};
ferry::message send(const numbered_task& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const task& value) {
  return ferry::dumps(value);
}
#endif
