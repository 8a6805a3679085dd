// SPDX-License-Identifier: BSL-1.0
#include <ferry/ferry.hpp>

#include <array>
#include <iostream>
#include <map>
#include <string>

// Runs in another process. It gets the open file, and never learns its name.
void measure(ferry::file text, ferry::connection answer) {
  std::array<std::byte, 4096> block;
  std::size_t bytes = 0;
  while (const std::size_t got = text.read(block)) bytes += got;
  answer.send(std::map<std::string, std::size_t>{{"bytes", bytes}});
}

int main(int argc, char** argv) {
  ferry::init(argc, argv);  // in the child, this calls measure and does not return
  auto [here, there] = ferry::pipe();
  ferry::process child(ferry::fn<&measure>, ferry::file::open(argv[0]), std::move(there));
  std::cout << here.recv<std::map<std::string, std::size_t>>().at("bytes") << " bytes\n";
}
