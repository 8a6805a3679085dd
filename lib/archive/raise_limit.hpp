// SPDX-License-Identifier: BSL-1.0
// The texts for a message that passes a limit.
#pragma once

#include "os/stack.hpp"

#include <cstddef>
#include <string>

namespace ferry::detail {

inline std::string raise_limit(const char* limit) {
  return "raise archive_options::limit." + std::string(limit) + " on both sides";
}

inline std::string deeper_than(std::size_t depth) {
  return "containers and pointers are inside one another deeper than limits::depth, which is " +
         std::to_string(depth) + ": " + raise_limit("depth");
}

inline std::string stack_used_up() {
  return "containers and pointers are inside one another deeper than this thread's stack of " +
         std::to_string(os::stack_size() / 1024) + " KiB has room for: use a thread with a larger one";
}

}  // namespace ferry::detail
