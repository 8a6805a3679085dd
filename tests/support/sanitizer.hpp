// What tests cannot do with AddressSanitizer.
#pragma once

#include <ferry/context.hpp>

#include <vector>

namespace ferry::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool with_address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool with_address_sanitizer = false;
#endif

/// The start methods of a process that has other threads. AddressSanitizer, as Clang 14 has it, takes no part
/// in a fork: a lock of its own that another thread holds is held in the child for ever.
inline std::vector<start_method> methods_beside_threads() {
  std::vector<start_method> all = all_start_methods();
  if (with_address_sanitizer) std::erase(all, start_method::fork);
  return all;
}

}  // namespace ferry::test
