// SPDX-License-Identifier: BSL-1.0
// Names of signals, as glibc has them.
#include "base/signal_text.hpp"

#include <cstring>

namespace ferry::detail {

std::string text_of_signal([[maybe_unused]] int number) {
#ifdef __GLIBC__
  if (const char* const text = ::sigdescr_np(number)) return text;
#endif
  return "unknown";
}

}  // namespace ferry::detail
