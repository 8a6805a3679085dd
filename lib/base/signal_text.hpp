// SPDX-License-Identifier: BSL-1.0
// Names of signals.
#pragma once

#include <string>

namespace ferry::detail {

/// What the C library calls the signal, in English; "unknown" if it has no name for it.
std::string text_of_signal(int number);

}  // namespace ferry::detail
