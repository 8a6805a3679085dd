// SPDX-License-Identifier: BSL-1.0
// expect: ferry: only trivially copyable types and lock-free std::atomic may live in shared memory
// expect: Send it as a message instead
// in the header alone
#include <ferry/shared_value.hpp>

#include <array>
#include <string>

#ifdef FERRY_CONTROL
using text = std::array<char, 16>;
#else
using text = std::string;
#endif

ferry::shared_value<text> value;
