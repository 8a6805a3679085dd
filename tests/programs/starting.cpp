// SPDX-License-Identifier: BSL-1.0
// A program that starts a child by each method and tells their exit codes.
#include <ferry/process.hpp>

#include <cstdio>
#include <cstdlib>

namespace {
void leave_with(int code) {
  std::exit(code);
}
}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  constexpr int code = 7;
  for (const ferry::start_method method : ferry::all_start_methods()) {
    ferry::context how;
    how.method = method;
    ferry::process child({.context = how}, ferry::fn<&leave_with>, code);
    child.join();
    std::printf("%s %d\n", ferry::to_string(method), child.exit_code().value_or(-1));
  }
}
