// SPDX-License-Identifier: BSL-1.0
// The choice of a driver that fits a handle.
#pragma once

#include <ferry/driver.hpp>

#include <memory>

namespace ferry::channel {

/// @throws system_error  when `handle` is not open, or nothing that carries messages
std::unique_ptr<driver> adopt(unique_handle handle);

}  // namespace ferry::channel
