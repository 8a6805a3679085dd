// SPDX-License-Identifier: BSL-1.0
// Command line of the example.
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string>

namespace digest {

options read_command_line(int argc, char** argv) {
  std::map<std::string, ferry::start_method> methods;
  for (const ferry::start_method method : ferry::all_start_methods()) methods[to_string(method)] = method;

  options wanted;
  std::vector<std::string> paths;
  std::string method = to_string(wanted.method);
  CLI::App app("Prints SHA-256 checksums as sha256sum does, computed by worker processes.", "digest");
  app.add_option("path", paths, "files, and directories to walk")->required();
  app.add_option("--workers", wanted.workers, "how many worker processes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--start-method", method, "how they are started")
      ->check(CLI::IsMember(methods))
      ->capture_default_str();
  app.add_flag("--no-progress", wanted.no_progress, "show no progress bar on a terminal");

  // CLI11 wants the last argument first. It would take the path "[a,b]" for two, so a zero byte, which is in
  // no argument, goes before each bracket.
  std::vector<std::string> arguments(std::reverse_iterator(argv + argc), std::reverse_iterator(argv + 1));
  for (std::string& each : arguments) each.insert(0, each.starts_with('[') ? 1 : 0, '\0');
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& complaint) {
    std::exit(app.exit(complaint));
  }

  for (const std::string& path : paths)
    wanted.paths.emplace_back(path.substr(path.starts_with('\0') ? 1 : 0));
  wanted.method = methods.at(method);
  return wanted;
}

}  // namespace digest
