// A queue that can be sent: to a process that runs already, which takes a greeting out of it and puts its
// answer into it.
#include <ferry/ferry.hpp>

#include <iostream>
#include <string>

namespace {

using texts = ferry::queue<std::string>;

/// Works on what comes, as a worker of a pool does. Every job is a queue.
void work(ferry::connection jobs) try {
  jobs.options().mode = ferry::transfer::duplicate;
  for (;;) {
    auto queue = jobs.recv<texts>();
    const std::string greeting = queue.get();
    queue.put("you said \"" + greeting + "\", and so do I");
    jobs.send(true);
  }
} catch (const ferry::end_of_stream&) {
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  auto [jobs, there] = ferry::pipe();
  ferry::process worker(ferry::fn<&work>, std::move(there));

  texts queue;
  queue.put("hello");
  try {
    jobs.send(queue);
  } catch (const ferry::spawning_error&) {
    std::cout << "to a process that runs: refused, unless one says so" << std::endl;
  }

  jobs.options().mode = ferry::transfer::duplicate;
  jobs.send(queue);
  jobs.recv<bool>();
  std::cout << queue.get() << std::endl;
  jobs.close();
  worker.join();
}
