// SPDX-License-Identifier: BSL-1.0
// From the paths on the command line to the files that are to be digested.
#include "walk.hpp"

#include <algorithm>
#include <system_error>

namespace fs = std::filesystem;

namespace digest {

namespace {

/// One directory is open at a time, however deep the tree is.
std::vector<fs::path> files_under(const fs::path& root, const complaint& complain) {
  std::vector<fs::path> files, directories{root};
  while (!directories.empty()) {
    const fs::path directory = std::move(directories.back());
    directories.pop_back();
    std::error_code failure;
    for (fs::directory_iterator entry(directory, failure), end; entry != end; entry.increment(failure)) {
      std::error_code gone;  // an entry that has vanished is no file
      const fs::file_type type = entry->symlink_status(gone).type();
      if (type == fs::file_type::directory) directories.push_back(entry->path());
      if (type == fs::file_type::regular) files.push_back(entry->path());
    }
    if (failure) complain(directory, failure.message());
  }
  std::ranges::sort(files, {}, &fs::path::native);
  return files;
}

}  // namespace

std::vector<fs::path> find_files(const std::vector<fs::path>& given, const complaint& complain) {
  std::vector<fs::path> files;
  for (const fs::path& path : given) {
    std::error_code failure;
    const fs::file_type type = fs::status(path, failure).type();
    if (type == fs::file_type::directory) {
      std::ranges::move(files_under(path, complain), std::back_inserter(files));
    } else if (type == fs::file_type::regular) {
      files.push_back(path);
    } else {
      complain(path, failure ? failure.message() : "Not a regular file");
    }
  }
  return files;
}

}  // namespace digest
