// SPDX-License-Identifier: BSL-1.0
// A function is named, and nothing else.
#include <ferry/fn.hpp>

int number();
int count;

#ifdef FERRY_CONTROL
constexpr auto named = ferry::fn<&number>;
#else
constexpr auto named = ferry::fn<&count>;
#endif
