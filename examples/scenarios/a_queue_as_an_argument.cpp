// SPDX-License-Identifier: BSL-1.0
// A queue as an argument: of a process that is being started it may always be one. As an argument of a task
// for the workers of a pool, which run already, it is refused (as in Python), unless the pool is made so that
// it may.
#include <ferry/ferry.hpp>

#include <iostream>
#include <string>

namespace {

using texts = ferry::queue<std::string>;

void greet(texts out) {
  out.put("hello");
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  texts queue;

  ferry::process child(ferry::fn<&greet>, queue);
  std::cout << "a new process: " << queue.get() << '\n';

  try {
    ferry::pool pool(1);
    pool.apply(ferry::fn<&greet>, queue);
  } catch (const ferry::spawning_error&) {
    std::cout << "a task of a pool: refused, unless one says so\n";
  }

  ferry::pool pool(1, {.mode = ferry::transfer::duplicate});
  pool.apply(ferry::fn<&greet>, queue);
  std::cout << "a task of a pool in duplicate mode: " << queue.get() << '\n';
}
