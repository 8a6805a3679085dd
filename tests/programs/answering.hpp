// SPDX-License-Identifier: BSL-1.0
// A callable that two programs mention.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/process.hpp>

namespace ferry::test {

inline void answer(connection line, int number) {
  line.send(number + 1);
}

}  // namespace ferry::test
