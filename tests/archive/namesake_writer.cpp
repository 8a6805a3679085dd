// SPDX-License-Identifier: BSL-1.0
// The one of two types of one name.
#include <ferry/archive.hpp>

#include "namesakes.hpp"

namespace {
struct namesake {
  int a = 7, b = 8;
};
}  // namespace

ferry::message ferry::test::dumps_namesake() {
  return dumps(namesake());
}
