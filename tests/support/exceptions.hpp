// SPDX-License-Identifier: BSL-1.0
// What an exception has to be, for BOOST_CHECK_EXCEPTION.
#pragma once

#include <ferry/error.hpp>

#include <exception>
#include <string>
#include <system_error>

namespace ferry::test {

inline auto has_code(std::errc expected) {
  return [expected](const system_error& problem) { return problem.code() == expected; };
}

inline auto says(const std::string& words) {
  return [words](const std::exception& problem) {
    return std::string(problem.what()).find(words) != std::string::npos;
  };
}

inline auto fails_with(std::errc code, const std::string& words) {
  return
      [code, words](const system_error& problem) { return has_code(code)(problem) && says(words)(problem); };
}

}  // namespace ferry::test
