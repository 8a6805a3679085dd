// SPDX-License-Identifier: BSL-1.0
// Command line of the example.
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace thumbnails {

accident options::accident_of(const std::filesystem::path& path) const {
  if (path.filename() == crash_on) return accident::crash;
  if (path.filename() == hang_on) return accident::hang;
  return accident::none;
}

options read_command_line(int argc, char** argv) {
  options wanted;
  double seconds = 10;
  std::size_t megabytes = 256;
  CLI::App app("Makes small pictures of PNG files, in worker processes that may crash over them.",
               "thumbnails");
  app.add_option("folder", wanted.folder, "an existing folder for the thumbnails 1.png, 2.png, ...")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("path", wanted.paths, "PNG files")->required();
  app.add_option("--size", wanted.size, "most pixels of a thumbnail's side")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--workers", wanted.workers, "how many worker processes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-memory", megabytes, "of a worker, in megabytes; 0: no limit")->capture_default_str();
  app.add_option("--timeout", seconds, "for a picture, in seconds; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--crash-on", wanted.crash_on, "for tests: a worker crashes over the file of this name");
  app.add_option("--hang-on", wanted.hang_on, "for tests: a worker does not come to an end with it");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& complaint) {
    std::exit(app.exit(complaint));
  }
  wanted.max_memory = megabytes << 20U;
  wanted.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  return wanted;
}

}  // namespace thumbnails
