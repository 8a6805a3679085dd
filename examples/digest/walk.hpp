// SPDX-License-Identifier: BSL-1.0
// From the paths on the command line to the files that are to be digested.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace digest {

/// Told of every path that is left out because of a problem.
using complaint = std::function<void(const std::filesystem::path&, const std::string& problem)>;

/// The files among `given`, and the regular files in and under the directories among them, in the order
/// given; those of one directory sorted by the bytes of their paths. Inside directories symbolic links are
/// not followed.
std::vector<std::filesystem::path> find_files(const std::vector<std::filesystem::path>& given,
                                              const complaint& complain);

}  // namespace digest
