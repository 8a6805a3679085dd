// SPDX-License-Identifier: BSL-1.0
// Tasks that do nothing, and tasks that compute, in pools of two workers.
#include <ferry/init.hpp>
#include <ferry/pool.hpp>
#include <ferry/process.hpp>
#include <ferry/queue.hpp>

#include "support/contest.hpp"
#include "support/report.hpp"

#include <boost/range/irange.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t workers = 2;
constexpr int runs = 15;

int same(int number) {
  return number;
}
void nothing() {}

/// About a millisecond of arithmetic.
std::uint64_t compute(std::uint64_t seed) {
  for (int i = 0; i < 400'000; ++i) seed = seed * 6364136223846793005U + 1442695040888963407U;
  return seed;
}

auto numbers(int count) {
  return boost::irange(0, count);
}

/// Seconds for each item in CPython's Pool of two.
std::map<std::string, double> by_python() {
  const std::string command =
      "cd \"$(mktemp -d)\" && trap 'rm -rf \"$PWD\"' EXIT && cat > measured.py <<'E' && python3 measured.py\n"
      "import multiprocessing, statistics, time\n"
      "def same(number): return number\n"
      "def measure(name, count, work):\n"
      "    times = []\n"
      "    for _ in range(4):\n"
      "        start = time.perf_counter()\n"
      "        work(count)\n"
      "        times.append((time.perf_counter() - start) / count)\n"
      "    print(name, statistics.median(times[1:]), flush=True)\n"
      "if __name__ == '__main__':\n"
      "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
      "        measure('map', 10000, lambda n: pool.map(same, range(n), 1))\n"
      "        measure('unordered', 10000, lambda n: list(pool.imap_unordered(same, range(n))))\n"
      "        measure('automatic', 200000, lambda n: pool.map(same, range(n)))\n"
      "        measure('apply', 1000, lambda n: [pool.apply(same, (i,)) for i in range(n)])\n"
      "E\n";
  std::map<std::string, double> found;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 32> name{};
  double seconds = 0;
  while (std::fscanf(output.get(), "%31s %lf", name.data(), &seconds) == 2) found[name.data()] = seconds;
  return found;
}

/// What somebody would write by hand who has processes and queues: chunks of numbers one way, chunks of
/// results the other, which he puts in order.
class hand_written {
 public:
  struct chunk {
    std::size_t first = 0;
    std::vector<int> numbers;
  };

  hand_written() {
    for (std::size_t i = 0; i < workers; ++i)
      crew_.emplace_back(ferry::process_options{.daemon = true}, ferry::fn<&serve>, tasks_, results_);
  }
  ~hand_written() { tasks_.close(); }
  hand_written(const hand_written&) = delete;
  hand_written& operator=(const hand_written&) = delete;

  std::vector<int> map(int count, int chunk_size) {
    std::vector<int> results(static_cast<std::size_t>(count));
    int out = 0;
    for (int next = 0; next < count || out > 0;) {
      while (next < count && out < 8) {
        const auto range = boost::irange(next, std::min(next + chunk_size, count));
        tasks_.put({static_cast<std::size_t>(next), {range.begin(), range.end()}});
        next += chunk_size;
        ++out;
      }
      const chunk done = results_.get();
      std::copy(done.numbers.begin(), done.numbers.end(),
                results.begin() + static_cast<std::ptrdiff_t>(done.first));
      --out;
    }
    return results;
  }

 private:
  static void serve(ferry::queue<chunk> tasks, ferry::queue<chunk> results) {
    for (chunk& each : tasks) {
      for (int& number : each.numbers) number = same(number);
      results.put(each);
    }
  }

  ferry::queue<chunk> tasks_, results_;
  std::vector<ferry::process> crew_;
};

void measure_tasks() {
  ferry::pool pool(workers);
  hand_written by_hand;
  constexpr int many = 200'000, few = 50'000, trips = 5'000;
  // The size that the pool comes to by itself for items as short as these.
  constexpr int chunk = 2048;
  std::vector<bench::contestant> all{
      {"map", [&] { pool.map(ferry::fn<&same>, numbers(few), {.chunk_size = 1}); }, few},
      {"unordered",
       [&] {
         for (int each : pool.imap_unordered(ferry::fn<&same>, numbers(few), {.chunk_size = 1}))
           static_cast<void>(each);
       },
       few},
      {"automatic", [&] { pool.map(ferry::fn<&same>, numbers(many)); }, many},
      {"by hand", [&] { by_hand.map(many, chunk); }, many},
      {"apply",
       [&] {
         for (int i = 0; i < trips; ++i) pool.apply(ferry::fn<&same>, i);
       },
       trips},
  };
  bench::measure_in_turn(all, runs);
  std::map<std::string, double> ours;
  for (bench::contestant& each : all) ours[each.name] = each.median() * 1e6;
  std::map<std::string, double> python = by_python();
  const auto beside_python = [&](const char* what, const char* name, const char* peer) {
    bench::row("pool", what, "µs", ours[name], peer, python[name] * 1e6);
  };
  beside_python("map of tasks that do nothing, chunks of one", "map", "CPython Pool.map");
  beside_python("imap_unordered of the same", "unordered", "CPython Pool.imap_unordered");
  beside_python("map of the same, automatic chunks", "automatic", "CPython Pool.map");
  bench::row("pool", "map of the same, automatic chunks", "µs", ours["automatic"], "loop by hand over queues",
             ours["by hand"]);
  beside_python("apply, there and back", "apply", "CPython Pool.apply");
}

void measure_computing() {
  const unsigned processors = ferry::cpu_count();
  ferry::pool pool(processors);
  constexpr int count = 400;
  std::vector<bench::contestant> all{
      {"pool", [&] { pool.map(ferry::fn<&compute>, boost::irange(std::uint64_t{0}, std::uint64_t{count})); }},
      {"ideal",
       [&] {
         std::vector<std::jthread> threads;
         for (unsigned i = 0; i < processors; ++i)
           threads.emplace_back([&, i] {
             std::uint64_t sum = 0;
             for (unsigned each = i; each < count; each += processors) sum += compute(each);
             volatile std::uint64_t kept = sum;
             static_cast<void>(kept);
           });
       }},
  };
  bench::measure_in_turn(all, runs);
  bench::row("pool", "400 tasks that compute for a millisecond, all processors", "ms", all[0].median() * 1e3,
             "the same work in threads, divided beforehand", all[1].median() * 1e3);
}

void measure_start() {
  std::vector<bench::contestant> all{
      {"pool", [] { ferry::pool(workers).map(ferry::fn<&same>, numbers(2), {.chunk_size = 1}); }},
      {"processes", [] { const ferry::process first(ferry::fn<&nothing>), second(ferry::fn<&nothing>); }},
  };
  bench::measure_in_turn(all, 40);
  bench::row("pool", "start of a pool of two, one task for each, and its end", "µs", all[0].median() * 1e6,
             "two processes, started and joined", all[1].median() * 1e6);
}

std::size_t resident_kibibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

void measure_memory() {
  ferry::pool pool(workers);
  const auto after = [&](int count) {
    for (int each : pool.imap(ferry::fn<&same>, numbers(count))) static_cast<void>(each);
    return static_cast<double>(resident_kibibytes());
  };
  const double few = after(10'000), many = after(1'000'000);
  bench::row("pool", "memory after a million tasks", "KiB", many, "after 10 thousand", few);
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  measure_tasks();
  measure_computing();
  measure_start();
  measure_memory();
}
