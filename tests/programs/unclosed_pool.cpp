// SPDX-License-Identifier: BSL-1.0
// A program that never closes its pool: static, without an owner, or with tasks that do not end.
#include <ferry/init.hpp>
#include <ferry/pool.hpp>

#include <boost/range/irange.hpp>

#include <string>
#include <unistd.h>

namespace {

int square(int number) {
  return number * number;
}
void run_for_ever() {
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  const std::string how = argv[1];
  static ferry::pool& leaked = *new ferry::pool(2);
  bool right = leaked.map(ferry::fn<&square>, boost::irange(0, 10)).back() == 81;
  if (how != "leaked") {
    static ferry::pool owned(2);
    if (how == "busy") {
      owned.submit(ferry::fn<&run_for_ever>);
      leaked.submit(ferry::fn<&run_for_ever>);
    }
    right = right && owned.map(ferry::fn<&square>, boost::irange(0, 10)).back() == 81;
  }
  return right ? 0 : 1;
}
