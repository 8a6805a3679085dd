// SPDX-License-Identifier: BSL-1.0
// Two files that have a type of one name each, which no other file can name.
#pragma once

#include <ferry/message.hpp>

namespace ferry::test {

/// Writes the one of namesake_writer.cpp.
message dumps_namesake();
/// Reads the one of namesake_reader.cpp.
void read_as_namesake(message from);

}  // namespace ferry::test
