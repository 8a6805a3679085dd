// SPDX-License-Identifier: BSL-1.0
// Starting a process that does nothing and waiting for it, by every start method.
#include <ferry/process.hpp>

#include "support/contest.hpp"
#include "support/peers/fork_server.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int runs = 300;
constexpr int python_runs = 15;
constexpr std::string_view end_at_once = "--end-at-once";

void nothing() {}

void by_posix_spawn() {
  std::string argument(end_at_once);
  std::array<char*, 3> arguments{program_invocation_name, argument.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ) != 0)
    bench::fail("posix_spawn");
  ::waitpid(child, nullptr, 0);
}

void by_fork() {
  const pid_t child = ::fork();
  if (child < 0) bench::fail("fork");
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
}

bench::contestant by_ferry(ferry::start_method method) {
  ferry::process_options options;
  options.context = ferry::context{.method = method};
  return {ferry::to_string(method), [options] { ferry::process(options, ferry::fn<&nothing>).join(); }};
}

/// Seconds of a start and join in CPython by each method, for a callable of a module of its own.
std::map<std::string, double> by_python() {
  const std::string command =
      "cd \"$(mktemp -d)\" && trap 'rm -rf \"$PWD\"' EXIT && cat > measured.py <<'E' && python3 measured.py\n"
      "import multiprocessing, statistics, time\n"
      "def nothing(): pass\n"
      "def measure(method):\n"
      "    context, times = multiprocessing.get_context(method), []\n"
      "    for _ in range(" +
      std::to_string(python_runs) +
      " + 1):\n"
      "        start = time.perf_counter()\n"
      "        child = context.Process(target=nothing)\n"
      "        child.start()\n"
      "        child.join()\n"
      "        times.append(time.perf_counter() - start)\n"
      "    return statistics.median(times[1:])\n"
      "if __name__ == '__main__':\n"
      "    for method in ('spawn', 'fork', 'forkserver'):\n"
      "        print(method, measure(method), flush=True)\n"
      "E\n";
  std::map<std::string, double> found;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 32> method{};
  double seconds = 0;
  while (std::fscanf(output.get(), "%31s %lf", method.data(), &seconds) == 2) found[method.data()] = seconds;
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == end_at_once) return 0;
  if (argc > 1 && argv[1] == bench::fork_server::argument) bench::fork_server::serve();
  ferry::init(argc, argv);
  const auto python = by_python();
  bench::fork_server server;
  enum peer { spawned, forked, served, count };
  std::vector<bench::contestant> all{
      {"bare posix_spawn of the same program", by_posix_spawn},
      {"bare fork", by_fork},
      {"a forkserver without Ferry", [&server] { server.start_and_join(); }},
  };
  const auto methods = ferry::all_start_methods();
  for (const ferry::start_method method : methods) all.push_back(by_ferry(method));
  bench::measure_in_turn(all, runs);
  for (std::size_t i = 0; i != methods.size(); ++i) {
    bench::contestant& own = all[count + i];
    const auto row = [&own, microseconds = own.median() * 1e6](std::string_view peer, double seconds) {
      bench::row("process", "start and join of an empty callable, " + own.name, "µs", microseconds, peer,
                 seconds * 1e6);
    };
    const bool spawns = methods[i] == ferry::start_method::spawn;
    bench::contestant& bare = all[spawns ? spawned : forked];
    row(bare.name, bare.median());
    if (methods[i] == ferry::start_method::forkserver) row(all[served].name, all[served].median());
    if (const auto found = python.find(own.name); found != python.end())
      row("CPython " + own.name, found->second);
  }
  ferry::stop_forkserver();
}
