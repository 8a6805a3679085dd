// SPDX-License-Identifier: BSL-1.0
// A folder that lasts as long as its object.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace ferry::test {

struct temporary_folder {
  std::filesystem::path path = [] {
    std::string name = (std::filesystem::temp_directory_path() / "ferry-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return std::filesystem::path(name);
  }();
  ~temporary_folder() { std::filesystem::remove_all(path); }
};

}  // namespace ferry::test
