// SPDX-License-Identifier: BSL-1.0
// A category of errors that no other process knows.
#pragma once

#include <string>
#include <system_error>

namespace ferry::test {

inline const std::error_category& own_category() {
  static const struct : std::error_category {
    const char* name() const noexcept override { return "own"; }
    std::string message(int) const override { return "own trouble"; }
  } category;
  return category;
}

}  // namespace ferry::test
