// SPDX-License-Identifier: BSL-1.0
// A function of a name that callables.cpp has too.
#include "process/support.hpp"

namespace ferry::test {
namespace {
void namesake(connection line) {
  tell(line, 2);
}
}  // namespace

process start_namesake(start_method method, connection line) {
  return process(by(method), fn<&namesake>, std::move(line));
}

process start_namesake_in_another_program() {
  process_options options = by(start_method::spawn);
  options.context->program = FERRY_TEST_PROGRAMS "/program_answering";
  return process(options, fn<&namesake>, connection());
}

}  // namespace ferry::test
