// SPDX-License-Identifier: BSL-1.0
#include <ferry/queue.hpp>

#ifdef FERRY_CONTROL
#  include <ferry/bind_front.hpp>
#  include <ferry/pool.hpp>
void work(int);
void put(ferry::pool& pool) {
  struct state {
    int number;
    void operator()() const { work(number); }
  };
  pool.submit(ferry::fn<&work>, 1);
  pool.submit(ferry::bind_front(ferry::fn<&work>, 1));
  pool.submit(state{1});
}
#else
#  include <functional>
void put(ferry::queue<std::function<void()> >& queue) {
  queue.put([] {});
}
#endif
