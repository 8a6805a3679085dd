// SPDX-License-Identifier: BSL-1.0
// Ten jobs for three processes: each prints under a lock that all share, and puts its index into a queue that
// all share. How do the lock and the queue get there? Three ways, and the time that each takes, on the error
// output.
#include <ferry/ferry.hpp>

#include <boost/range/irange.hpp>

#include <chrono>
#include <iostream>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

namespace {

constexpr int jobs = 10;
constexpr std::size_t processes = 3;

struct common {
  ferry::mutex lock;
  ferry::queue<int> done;
};

void job(int index, common with) {
  {
    const std::lock_guard only_me(with.lock);
    for (const std::string_view word : {"  all ", "in ", "one ", "piece\n"}) std::cout << word << std::flush;
  }
  with.done.put(index);
}

// What a worker gets by the pool's initializer, it keeps where its jobs find it.
std::optional<common> given;

void take(common with) {
  given.emplace(std::move(with));
}
void job_with_what_was_given(int index) {
  job(index, *given);
}

/// Runs one way, and reads the indices back.
template <class Way>
void measure(std::string_view name, Way way) {
  std::cout << name << ":\n" << std::flush;
  const auto start = std::chrono::steady_clock::now();
  common with;
  try {
    way(with);
    std::set<int> indices;
    while (const auto index = with.done.try_get()) indices.insert(*index);
    std::cout << "  " << indices.size() << " indices came back, from " << *indices.begin() << " to "
              << *indices.rbegin() << std::endl;
  } catch (const ferry::spawning_error& refusal) {
    std::cout << "  refused: " << refusal.what() << std::endl;
  }
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::cerr << name << ": " << time.count() << " ms\n";
}

void by_arguments_of_tasks(const common& with, ferry::transfer mode) {
  ferry::pool pool(processes, {.mode = mode});
  std::list<ferry::task<void>> tasks;
  for (int index = 0; index < jobs; ++index) tasks.push_back(pool.submit(ferry::fn<&job>, index, with));
  for (const auto& task : tasks) task.get();
}

void by_processes(const common& with) {
  std::list<ferry::process> running;
  for (int index = 0; index < jobs; ++index) {
    if (running.size() == processes) running.pop_front();  // waits for it
    running.emplace_back(ferry::fn<&job>, index, with);
  }
}

void by_initializer(const common& with) {
  ferry::pool pool(processes, {}, ferry::fn<&take>, with);
  pool.map(ferry::fn<&job_with_what_was_given>, boost::irange(0, jobs));
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  measure("as arguments of tasks",
          [](const common& with) { by_arguments_of_tasks(with, ferry::transfer::inherit); });
  measure("as arguments of tasks, in duplicate mode",
          [](const common& with) { by_arguments_of_tasks(with, ferry::transfer::duplicate); });
  measure("as arguments of a process for each job", &by_processes);
  measure("by the initializer of a pool", &by_initializer);
}
