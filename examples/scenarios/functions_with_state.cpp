// SPDX-License-Identifier: BSL-1.0
// Functions with state: a counter is mapped over a pool, and the counter here stays at zero. What goes to a
// worker is a copy. Two ways to have what one wants.
#include <ferry/ferry.hpp>

#include <boost/range/irange.hpp>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <utility>

namespace {

struct counter {
  int count = 0;
  int operator()(int) { return ++count; }
};

// When each worker may have a counter of its own: it makes one, and passes it to the tasks that it runs.
counter make_counter() {
  return {};
}
std::pair<std::int64_t, int> count_in(counter& own, int item) {
  return {ferry::current_process().pid, own(item)};
}

// When all shall have the same one: it lives in shared memory, and has a lock.
struct shared_counter {
  ferry::mutex lock;
  ferry::shared_value<int> count{0};

  int operator()(int) const {
    const std::lock_guard only_me(lock);
    return ++*count;
  }
};

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  const auto items = boost::irange(0, 100);
  // In this mode a mutex may go to workers that run already.
  ferry::pool pool(2, {.mode = ferry::transfer::duplicate});

  const counter mine;
  pool.map(mine, items);
  std::cout << "a copy in each worker: " << mine.count << " here\n";

  const auto counting = pool.with_state<counter>(ferry::fn<&make_counter>);
  std::map<std::int64_t, int> counts;
  for (const auto& [worker, count] : counting.map(ferry::fn<&count_in>, items))
    counts[worker] = std::max(counts[worker], count);
  int together = 0;
  for (const auto& [worker, count] : counts) together += count;
  std::cout << "a counter of each worker's own: " << together << " together\n";

  const shared_counter ours;
  pool.map(ours, items);
  std::cout << "one in shared memory: " << *ours.count << " here\n";
}
