// Who this process is.
#pragma once

#include <cstdint>

namespace ferry::os {

/// The id of this process, asked anew each time: it changes in a forked child.
std::int64_t process_id() noexcept;

}  // namespace ferry::os
