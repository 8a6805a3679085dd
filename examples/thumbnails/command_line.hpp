// SPDX-License-Identifier: BSL-1.0
// Command line of the example.
#pragma once

#include <ferry/process.hpp>

#include "thumbnail.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace thumbnails {

struct options {
  std::vector<std::filesystem::path> paths;
  std::filesystem::path folder;  ///< for the thumbnails
  std::uint32_t size = 128;      ///< most pixels of either side
  std::size_t workers = ferry::cpu_count();
  std::size_t max_memory = std::size_t{256} << 20U;
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  std::string crash_on, hang_on;  ///< names of files

  accident accident_of(const std::filesystem::path& path) const;
};

/// Reads the command line. Where there is nothing to do but to print help, or to complain, it does so and
/// exits.
options read_command_line(int argc, char** argv);

}  // namespace thumbnails
