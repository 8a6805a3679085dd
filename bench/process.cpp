// Starting a process that does nothing and waiting for it, by every start method.
#include <ferry/process.hpp>

#include "support/report.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int runs = 300;
constexpr int python_runs = 15;
constexpr std::string_view end_at_once = "--end-at-once";

void nothing() {}

double by_ferry(ferry::start_method method) {
  ferry::process_options options;
  options.context = ferry::context{.method = method};
  return bench::median_seconds(runs, [&] { ferry::process(options, ferry::fn<&nothing>).join(); });
}

double by_posix_spawn() {
  return bench::median_seconds(runs, [] {
    std::string argument(end_at_once);
    std::array<char*, 3> arguments{program_invocation_name, argument.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ) != 0)
      std::abort();
    ::waitpid(child, nullptr, 0);
  });
}

double by_fork() {
  return bench::median_seconds(runs, [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
  });
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
  ferry::init(argc, argv);
  const double fork_time = by_fork();
  const double spawn_time = by_posix_spawn();
  const auto python = by_python();
  for (const ferry::start_method method : ferry::all_start_methods()) {
    const std::string name = ferry::to_string(method);
    const bool spawns = method == ferry::start_method::spawn;
    const double microseconds = by_ferry(method) * 1e6;
    const std::string what = "start and join of an empty callable, " + name;
    bench::row("process", what, "µs", microseconds,
               spawns ? "bare posix_spawn of the same program" : "bare fork",
               (spawns ? spawn_time : fork_time) * 1e6);
    if (const auto peer = python.find(name); peer != python.end()) {
      bench::row("process", what, "µs", microseconds, "CPython " + name, peer->second * 1e6);
    }
  }
  ferry::stop_forkserver();
}
