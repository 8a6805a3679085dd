// The life of a process from its start to its end, by every start method.
#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "process/support.hpp"

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

void nothing() {}
void add(unique_handle answer, int a, int b) {
  tell(answer, a + b);
}
void tell_length(const std::string& text, unique_handle answer) {
  tell(answer, text.size());
}
[[noreturn]] void leave(int code) {
  std::exit(code);
}
void fail_with(const std::string& text) {
  throw std::out_of_range(text);
}
void raise_signal(int number) {
  ::raise(number);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(life_cycle, no_forkserver_left)

BOOST_DATA_TEST_CASE(a_callable_runs_with_its_arguments, every_start_method, method) {
  auto [here, there] = line();
  process child(by(method), fn<&add>, there, 40, 2);
  BOOST_TEST(hear<int>(here) == 42);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

BOOST_DATA_TEST_CASE(arguments_are_converted_to_the_parameters, every_start_method, method) {
  auto [here, there] = line();
  process child(by(method), fn<&tell_length>, "seven..", std::move(there));
  BOOST_TEST(hear<std::size_t>(here) == 7U);
}

BOOST_DATA_TEST_CASE(exit_codes_and_signals_are_told_apart, every_start_method, method) {
  process good(by(method), fn<&nothing>), left(by(method), fn<&leave>, 8),
      hit(by(method), fn<&raise_signal>, SIGTERM);
  good.join();
  left.join();
  hit.join();
  BOOST_TEST(good.exit_code().value() == 0);
  BOOST_TEST(left.exit_code().value() == 8);
  BOOST_TEST(hit.exit_code().value() == -SIGTERM);
}

BOOST_DATA_TEST_CASE(an_exception_gives_exit_code_1_and_can_be_rethrown, every_start_method, method) {
  process child(by(method), fn<&fail_with>, "no such row");
  child.join();
  BOOST_TEST(child.exit_code().value() == 1);
  const auto says = [](const std::out_of_range& caught) {
    return caught.what() == std::string("no such row");
  };
  BOOST_CHECK_EXCEPTION(child.join(rethrow), std::out_of_range, says);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), std::out_of_range, says);
}

// conformance: _TestProcess.test_kill
BOOST_DATA_TEST_CASE(a_killed_process_reports_the_signal, every_start_method, method) {
  auto [here, there] = line();
  process child(by(method), fn<&wait_for_end>, std::move(there));
  BOOST_TEST(child.is_alive());
  child.kill();
  child.join();
  BOOST_TEST(child.exit_code().value() == -SIGKILL);
}

BOOST_AUTO_TEST_SUITE_END()
