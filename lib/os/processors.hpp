// SPDX-License-Identifier: BSL-1.0
// The number of processors that this process may use.
#pragma once

namespace ferry::os {

/// Those that this thread may run on; 0 when the system does not tell.
unsigned processors_to_run_on() noexcept;

/// Those that it may run on, and at most as many as its control groups give it the time of. At least 1.
unsigned usable_processors() noexcept;

}  // namespace ferry::os
