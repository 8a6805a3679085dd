// SPDX-License-Identifier: BSL-1.0
// A queue that can be sent: to a process that runs already, a worker of a pool. It takes a greeting out of
// the queue and puts its answer into it.
#include <ferry/ferry.hpp>

#include <iostream>
#include <string>

namespace {

using texts = ferry::queue<std::string>;

void answer(texts queue) {
  const std::string greeting = queue.get();
  queue.put("you said \"" + greeting + "\", and so do I");
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  ferry::pool pool(1, {.mode = ferry::transfer::duplicate});

  texts queue;
  queue.put("hello");
  pool.apply(ferry::fn<&answer>, queue);
  std::cout << queue.get() << '\n';
}
