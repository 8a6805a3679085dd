// SPDX-License-Identifier: BSL-1.0
// A real Python as the other side.
#pragma once

#include <string>
#include <vector>

namespace ferry::test {

/// Runs `python3 -c script arguments...` to its end.
/// @returns its exit code, or minus the number of the signal that ended it
/// @throws std::runtime_error  when it runs for longer than `patience`
int run_python(const std::string& script, const std::vector<std::string>& arguments = {});

}  // namespace ferry::test
