// SPDX-License-Identifier: BSL-1.0
// Random bytes for secrets.
#pragma once

#include <cstddef>
#include <span>

namespace ferry::os {

/// Fills `bytes` from the system's generator for secrets.
void fill_random(std::span<std::byte> bytes);

}  // namespace ferry::os
