// SPDX-License-Identifier: BSL-1.0
// Starting Python with a script.
#include "support/python.hpp"

#include "support/child.hpp"

#include <unistd.h>

namespace ferry::test {

int run_python(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"python3", "-c", script};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return fork_child([&argv] {
    ::execvp(argv.front(), argv.data());
    return 127;
  });
}

}  // namespace ferry::test
