// SPDX-License-Identifier: BSL-1.0
// The kind of socket that a handle is.
#pragma once

#include <ferry/handle.hpp>
#include <ferry/socket_kind.hpp>

namespace ferry::os {

/// @throws system_error  `std::errc::not_a_socket`
socket_kind kind_of_socket(handle_view handle);

}  // namespace ferry::os
