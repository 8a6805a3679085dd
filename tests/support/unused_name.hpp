// SPDX-License-Identifier: BSL-1.0
// A name that no other test uses at the same time.
#pragma once

#include <string>
#include <unistd.h>

namespace ferry::test {

inline std::string unused_name(const std::string& what) {
  return "ferry_" + what + "_" + std::to_string(::getpid());
}

}  // namespace ferry::test
