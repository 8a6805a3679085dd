// Prints what sha256sum prints for files and directory trees, computed by worker processes that never open a
// path: this process opens the files, and sends them *open*, inside a type of its own (job.hpp), through
// connections. When a worker is killed its file goes to another (crew.cpp), and the output is the same.
#include <ferry/init.hpp>

#include "checksum_line.hpp"
#include "command_line.hpp"
#include "crew.hpp"
#include "progress.hpp"
#include "walk.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <unistd.h>

namespace {

/// A worker takes up to four descriptors here: for its connection, its process and two files.
std::size_t affordable_workers() {
  return static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_OPEN_MAX) / 8));
}

/// @returns the exit code
int run(const digest::options& options) {
  bool all_well = true;
  const auto complain = [&](const std::filesystem::path& path, const std::string& problem) {
    std::cerr << "digest: " << path.native() << ": " << problem << '\n';
    all_well = false;
  };
  const std::vector<std::filesystem::path> files = digest::find_files(options.paths, complain);

  // Results come in any order, and are printed in that of the files.
  digest::progress bar(files.size(), !options.no_progress && digest::progress::possible());
  std::map<std::uint64_t, digest::result> waiting;
  std::uint64_t next = 0, done = 0;
  const auto receive = [&](const digest::result& result) {
    bar.hide();
    waiting.emplace(result.number, result);
    for (; waiting.contains(next); waiting.erase(next++)) {
      const auto& [number, checksum, problem] = waiting.at(next);
      if (problem.empty()) {
        std::cout << digest::checksum_line(checksum, files[number]);
      } else {
        complain(files[number], problem);
      }
    }
    bar.show(++done);
  };

  digest::crew crew(std::min({options.workers, affordable_workers(), files.size()}), options.method);
  crew.digest(files, receive);
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
