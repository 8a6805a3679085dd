// expect: it is a lambda with captures
// expect: pass the captured values as arguments
#include <ferry/pool.hpp>

int run(const ferry::pool& pool, int factor) {
#ifdef FERRY_CONTROL
  return pool.apply([](int number, int by) { return by * number; }, 2, factor);
#else
  return pool.apply([factor](int number) { return factor * number; }, 2);
#endif
}
