// SPDX-License-Identifier: BSL-1.0
// Nor does a hash with members, in whatever holds the container.
#include <ferry/archive.hpp>

#include <optional>
#include <string>
#include <unordered_map>

struct seeded {
#ifndef FERRY_CONTROL
  std::size_t seed = 1;
#endif
  std::size_t operator()(const std::string& text) const {
    return text.size();
  }
};
struct table {
  int id;
  std::unordered_map<std::string, int, seeded> entries;
};

std::optional<table> receive(ferry::message from) {
  return ferry::loads<std::optional<table>>(std::move(from));
}
