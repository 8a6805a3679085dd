// Handles: what the public header leaves to the platform.
#pragma once

#include <ferry/handle.hpp>

#include <string>

namespace ferry::os {

/// True if both are handles to the very same open object; false also where the system cannot tell.
bool same_object(handle_view a, handle_view b);

/// Number of open handles of this process.
std::size_t open_handles();

/// The limit of open descriptors, how many are open, and the cure: for messages about running out of them.
std::string handle_limit_text();

/// Throws `ferry::system_error` for the current `errno`; when it says that descriptors have run out, the text
/// names the limit and the cure.
[[noreturn]] void throw_system_error(const std::string& operation);
[[noreturn]] void throw_system_error(int code, const std::string& operation);

}  // namespace ferry::os
