// SPDX-License-Identifier: BSL-1.0
// The digest of an open file.
#pragma once

#include <ferry/file.hpp>

#include <string>

namespace digest {

/// SHA-256 of what `content` holds from its position to its end, in hexadecimal digits.
/// @throws ferry::system_error  when it cannot be read
std::string sha256(ferry::file& content);

}  // namespace digest
