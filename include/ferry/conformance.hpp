// SPDX-License-Identifier: BSL-1.0
// What the tests of drivers and those of engines have in common.
#pragma once

#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

/// Tests for whoever writes a driver (`<ferry/driver_conformance.hpp>`) or an engine
/// (`<ferry/engine_conformance.hpp>`): each returns, or throws. They need no test framework and fit into any.
namespace ferry::conformance {

/// What a driver or an engine does not do as it should.
class failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How long a thing may take that has to come.
inline constexpr std::chrono::seconds patience{60};

/// @throws failure  unless it holds
inline void require(bool holds, const char* what) {
  if (!holds) throw failure(what);
}

/// Whether a call throws such an exception. Others go through.
template <class Exception, class Call>
bool throws(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const Exception&) {
    return true;
  }
  return false;
}

/// Runs `what` in another thread, beside the one that calls.
template <class What>
std::future<void> beside(What what) {
  return std::async(std::launch::async, std::move(what));
}
/// Waits for its end, and throws what it threw. What it calls has to give up after `patience` by itself.
inline void finish(std::future<void>& other) {
  other.get();
}

}  // namespace ferry::conformance
