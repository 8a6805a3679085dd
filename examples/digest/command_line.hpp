// SPDX-License-Identifier: BSL-1.0
// Command line of the example.
#pragma once

#include <ferry/process.hpp>

#include <cstddef>
#include <filesystem>
#include <vector>

namespace digest {

struct options {
  std::vector<std::filesystem::path> paths;
  std::size_t workers = ferry::cpu_count();
  ferry::start_method method = ferry::start_method::spawn;
  bool no_progress = false;
};

/// Reads the command line. Where there is nothing to do but to print help, or to complain, it does so and
/// exits.
options read_command_line(int argc, char** argv);

}  // namespace digest
