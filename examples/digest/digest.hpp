// SPDX-License-Identifier: BSL-1.0
// Files in, digests out, and worker processes in between.
#pragma once

#include <ferry/context.hpp>

#include "job.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

namespace support {
class progress_bar;
}

namespace digest {

/// Told the result of each file, in the order of the files.
using receiver = std::function<void(const std::filesystem::path&, const result&)>;

/// Digests files in worker processes, and loses none when a process is killed: its file is given to another
/// once. Only so many files are open at a time as the limit of descriptors allows.
void digest_files(const std::vector<std::filesystem::path>& files, std::size_t workers,
                  ferry::start_method method, support::progress_bar& bar, const receiver& receive);

}  // namespace digest
