// SPDX-License-Identifier: BSL-1.0
// The limit of handles of this process.
#pragma once

#include <cstddef>

namespace ferry::os {

/// Where `more` handles beside those that are open would pass the limit that this process has set itself,
/// raises that as far as it may.
void make_room_for_handles(std::size_t more) noexcept;

}  // namespace ferry::os
