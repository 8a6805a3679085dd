// expect: ferry: map_async gives the results; a callable without any goes to map
#include <ferry/pool.hpp>

#include <vector>

void work(int number);

void run(const ferry::pool& pool, const std::vector<int>& input) {
#ifdef FERRY_CONTROL
  pool.map(ferry::fn<&work>, input);
#else
  pool.map_async(ferry::fn<&work>, input);
#endif
}
