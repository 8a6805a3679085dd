// SPDX-License-Identifier: BSL-1.0
// Who holds the other end? A child adds pairs of numbers until the stream ends. With Python's multiprocessing
// it never ends, because the child has inherited the parent's end too and keeps the stream open itself. Here
// a child has the handles that it was given and no others, by every start method.
#include <ferry/ferry.hpp>

#include <iostream>
#include <utility>

namespace {

void add_pairs(ferry::connection parent) try {
  for (;;) {
    const auto [a, b] = parent.recv<std::pair<int, int>>();
    parent.send(a + b);
  }
} catch (const ferry::end_of_stream&) {
  std::cout << "that was all, " << std::flush;
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  for (const ferry::start_method method : ferry::all_start_methods()) {
    std::cout << to_string(method) << ": ";
    auto [here, there] = ferry::pipe();
    const ferry::process_options options{.context = ferry::context{.method = method}};
    ferry::process child(options, ferry::fn<&add_pairs>, std::move(there));

    for (const auto& pair : {std::pair(1, 2), std::pair(3, 4), std::pair(5, 6)}) {
      here.send(pair);
      std::cout << here.recv<int>() << ' ' << std::flush;
    }
    here.close();
    child.join();
    std::cout << "and the child has ended with " << child.exit_code().value() << std::endl;
  }
}
