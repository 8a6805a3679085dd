// SPDX-License-Identifier: BSL-1.0
// Measuring several contestants in turn, run by run, so that what else the machine does falls on all alike;
// each time in another order, so that nobody always finds what the same other one leaves in the caches.
#pragma once

#include "support/crew.hpp"
#include "support/report.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// One way of doing what is measured.
struct contestant {
  std::string name;
  std::function<void()> work;
  std::size_t operations = 1;  ///< that one call of `work` does
  std::vector<double> seconds = {};

  /// Seconds that one operation takes, at the median.
  double median() { return bench::median(seconds); }
};

/// Lets each do its work once to warm up, and then in turn. The program is ended by SIGALRM when that takes
/// longer than `patience` altogether.
inline void measure_in_turn(std::vector<contestant>& all, int runs) {
  ::alarm(patience);
  for (contestant& each : all) each.work();
  std::vector<contestant*> order;
  for (contestant& each : all) order.push_back(&each);
  std::minstd_rand dice;
  for (int run = 0; run < runs; ++run) {
    std::ranges::shuffle(order, dice);
    for (contestant* const each : order) {
      const auto start = std::chrono::steady_clock::now();
      each->work();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      each->seconds.push_back(time.count() / static_cast<double>(each->operations));
    }
  }
  ::alarm(0);
}

}  // namespace bench
