// A program of somebody else that uses Ferry: it includes only what the README names.
#include <ferry/error.hpp>

#include <iostream>

int main() {
  std::cout << ferry::remote_error("a", "b", 1).what() << '\n';
}
