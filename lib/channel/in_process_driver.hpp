// SPDX-License-Identifier: BSL-1.0
// The driver of connections within one process.
#pragma once

#include <ferry/driver.hpp>

#include <memory>
#include <utility>

namespace ferry::channel {

/// Two connected drivers in this process: messages move through two bounded queues, bytes and handles as they
/// are. Any number of threads may use either end.
std::pair<std::unique_ptr<driver>, std::unique_ptr<driver>> make_in_process_drivers();

}  // namespace ferry::channel
