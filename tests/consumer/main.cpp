// SPDX-License-Identifier: BSL-1.0
// A program of somebody else that uses Ferry: it includes only what the README names.
#include <ferry/connection.hpp>
#include <ferry/error.hpp>

#include <iostream>
#include <string>

int main() {
  auto [here, there] = ferry::pipe();
  here.send(ferry::remote_error("a", "b", 1).text());
  std::cout << there.recv<std::string>() << '\n';
}
