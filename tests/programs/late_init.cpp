// SPDX-License-Identifier: BSL-1.0
// A program that looks at its arguments before it calls ferry::init, as a test framework may.
#include <ferry/error.hpp>
#include <ferry/pool.hpp>
#include <ferry/process.hpp>

#include <cstdio>

namespace {

void nothing() {}

template <class Work>
void tell_what_is_caught(const char* where, Work work) {
  try {
    work();
  } catch (const ferry::error& caught) {
    std::printf("caught %s: %s\n", where, caught.what());
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int unrecognized = 200;
  if (argc > 1) return unrecognized;
  ferry::init(argc, argv);
  tell_what_is_caught("by join", [] { ferry::process(ferry::fn<&nothing>).join(ferry::rethrow); });
  tell_what_is_caught("from the pool", [] { ferry::pool(1).apply(ferry::fn<&nothing>); });
  ferry::context how;
  how.method = ferry::start_method::forkserver;
  tell_what_is_caught("from the forkserver", [&] { ferry::process({.context = how}, ferry::fn<&nothing>); });
}
