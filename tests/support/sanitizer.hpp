// SPDX-License-Identifier: BSL-1.0
// What tests cannot do with sanitizers.
#pragma once

#include <ferry/context.hpp>

#include <vector>

namespace ferry::test {

#if defined(__has_feature)
#  define FERRY_HAS_SANITIZER(name) __has_feature(name)
#else
#  define FERRY_HAS_SANITIZER(name) false
#endif
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_address_sanitizer = true;
#else
inline constexpr bool with_address_sanitizer = FERRY_HAS_SANITIZER(address_sanitizer);
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr bool with_thread_sanitizer = true;
#else
inline constexpr bool with_thread_sanitizer = FERRY_HAS_SANITIZER(thread_sanitizer);
#endif

/// Sanitizers' own memory comes on top of what a process may have, and what is freed stays for a while.
inline constexpr bool with_shadow_memory = with_address_sanitizer || with_thread_sanitizer;

/// The start methods of a process that has other threads. AddressSanitizer, as Clang 14 has it, takes no part
/// in a fork: a lock of its own that another thread holds is held in the child for ever.
inline std::vector<start_method> methods_beside_threads() {
  std::vector<start_method> all = all_start_methods();
  if (with_address_sanitizer) std::erase(all, start_method::fork);
  return all;
}

}  // namespace ferry::test
