// SPDX-License-Identifier: BSL-1.0
// A name is not enough for a type that has no way to cross.
#include <ferry/dispatch_table.hpp>

#include <stdexcept>

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

#ifdef FERRY_CONTROL
void prepare() {
  ferry::dispatch_table::global().add<failure>(
      "failure", [](const failure& f) { return std::tuple(std::string(f.what())); },
      [](const std::string& text) { return failure(text); });
}
#else
void prepare() {
  ferry::dispatch_table::global().add<failure>("failure");
}
#endif
