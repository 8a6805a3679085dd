// SPDX-License-Identifier: BSL-1.0
// The other one of two types of one name.
#include <ferry/archive.hpp>

#include "namesakes.hpp"

#include <utility>

namespace {
struct namesake {
  float a = 7, b = 8;
};
}  // namespace

void ferry::test::read_as_namesake(message from) {
  static_cast<void>(loads<namesake>(std::move(from)));
}
