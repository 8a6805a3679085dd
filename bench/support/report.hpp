// SPDX-License-Identifier: BSL-1.0
// How a benchmark says what it found: one row a line on the output, as JSON, for scripts/bench.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

/// Reports one measurement beside the same of a peer, taken in the same run.
/// @param group  the name of the benchmark program, e.g. "connection"
/// @param what  what was measured, e.g. "round trip, 64 B"
/// @param unit  of both figures. More is better for a unit that ends in "/s", such as "GB/s" or "million/s";
///              less is better for all others, such as "µs" and "bytes"
/// @param ferry  Ferry's figure
/// @param peer  whose figure it is compared to, e.g. "bare socket"
/// @param peer_value  the peer's figure
inline void row(std::string_view group, std::string_view what, std::string_view unit, double ferry,
                std::string_view peer, double peer_value) {
  const bool more_is_better = unit.ends_with("/s");
  const double ratio = more_is_better ? ferry / peer_value : peer_value / ferry;
  std::printf(
      "{\"group\": %s, \"what\": %s, \"unit\": %s, \"ferry\": %.6g, \"peer\": %s, \"peer_value\": %.6g, "
      "\"ratio\": %.4g}\n",
      quoted(group).c_str(), quoted(what).c_str(), quoted(unit).c_str(), ferry, quoted(peer).c_str(),
      peer_value, ratio);
  std::fflush(stdout);
}

/// @pre there are some
inline double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Runs `work` once to warm up and then `runs` times, and returns the median of the seconds a run took.
template <class Work>
double median_seconds(int runs, Work work) {
  work();
  std::vector<double> seconds;
  for (int run = 0; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return median(seconds);
}

}  // namespace bench
