// SPDX-License-Identifier: BSL-1.0
// A program that can be started as a child of another one.
#include "answering.hpp"

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  static_cast<void>(ferry::fn<&ferry::test::answer>);
}
