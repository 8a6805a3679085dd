// SPDX-License-Identifier: BSL-1.0
// The stack of the calling thread, as the C library knows it.
#include "os/stack.hpp"

#include <algorithm>
#include <cstdint>
#include <pthread.h>

namespace ferry::os {
namespace {

struct stack_bounds {
  std::uintptr_t low = 0, high = 0;  // none: it cannot be told, as of the first thread without /proc
};

const stack_bounds& own_bounds() noexcept {
  // The first thread's stack grows up to a limit that may be changed; the C library asks for it each time,
  // which takes long.
  static thread_local const stack_bounds bounds = [] {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return stack_bounds();
    void* low = nullptr;
    std::size_t size = 0;
    ::pthread_attr_getstack(&attributes, &low, &size);
    ::pthread_attr_destroy(&attributes);
    const auto begin = reinterpret_cast<std::uintptr_t>(low);
    return stack_bounds{begin, begin + size};
  }();
  return bounds;
}

}  // namespace

bool stack_is_scarce() noexcept {
  constexpr std::uintptr_t reserve = std::uintptr_t{64} << 10U;
  const stack_bounds& bounds = own_bounds();
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here < bounds.low || here >= bounds.high) return false;
  return here - bounds.low < std::min(reserve, (bounds.high - bounds.low) / 4);
}

std::size_t stack_size() noexcept {
  return own_bounds().high - own_bounds().low;
}

}  // namespace ferry::os
