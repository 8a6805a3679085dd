// SPDX-License-Identifier: BSL-1.0
#include <ferry/shared_value.hpp>

#include <array>
#include <string>

#ifdef FERRY_CONTROL
using text = std::array<char, 16>;
#else
using text = std::string;
#endif

ferry::shared_value<text> value;
