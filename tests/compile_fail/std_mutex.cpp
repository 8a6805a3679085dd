// The mutex of the standard library works among threads only.
// expect: ferry: this type .* cannot cross to another process: it synchronises the threads of one process
// only.*Ferry.s own mutex expect: std::mutex
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
