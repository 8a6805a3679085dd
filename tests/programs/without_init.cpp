// SPDX-License-Identifier: BSL-1.0
// A program that forgot ferry::init, and would start itself for ever if it could.
#include <ferry/error.hpp>
#include <ferry/process.hpp>

#include <cstdio>

namespace {
void nothing() {}
}  // namespace

int main() {
  for (const ferry::start_method method : {ferry::start_method::spawn, ferry::start_method::forkserver}) {
    ferry::context how;
    how.method = method;
    try {
      ferry::process child({.context = how}, ferry::fn<&nothing>);
    } catch (const ferry::process_error& error) {
      std::puts(error.what());
    }
  }
}
