// SPDX-License-Identifier: BSL-1.0
// Closing many descriptors at once.
#pragma once

namespace ferry::os {

/// Closes what is open from `first` to `last`, both included. For a forked child: allocates nothing.
void close_from_to(unsigned first, unsigned last) noexcept;

}  // namespace ferry::os
