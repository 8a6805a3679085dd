// SPDX-License-Identifier: BSL-1.0
// Prints what sha256sum prints for files and directory trees, computed by a pool of worker processes that
// never open a path: this process opens the files, and sends them *open*, inside a type of its own (job.hpp).
// When a worker is killed its file goes to another (digest.cpp), and the output is the same.
#include <ferry/init.hpp>

#include "checksum_line.hpp"
#include "command_line.hpp"
#include "digest.hpp"
#include "support/progress_bar.hpp"
#include "walk.hpp"

#include <exception>
#include <iostream>

namespace {

/// @returns the exit code
int run(const digest::options& options) {
  bool all_well = true;
  const auto complain = [&](const std::filesystem::path& path, const std::string& problem) {
    std::cerr << "digest: " << path.native() << ": " << problem << '\n';
    all_well = false;
  };
  const std::vector<std::filesystem::path> files = digest::find_files(options.paths, complain);

  support::progress_bar bar("files", !options.no_progress);
  const auto print = [&](const std::filesystem::path& file, const digest::result& result) {
    bar.above([&] {
      if (result.problem.empty())
        std::cout << digest::checksum_line(result.checksum, file);
      else
        complain(file, result.problem);
    });
  };
  digest::digest_files(files, options.workers, options.method, bar, print);
  bar.hide();

  if (!std::cout.flush()) {
    std::cerr << "digest: the output could not be written\n";
    all_well = false;
  }
  return all_well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);  // in a worker it does the work, and does not return
  try {
    return run(digest::read_command_line(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "digest: " << error.what() << '\n';
    return 1;
  }
}
