// SPDX-License-Identifier: BSL-1.0
// The tests that every engine has to pass, over each of Ferry's own.
#include <ferry/engine_conformance.hpp>

#include "pool/support.hpp"

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace ferry;

namespace {

/// Threads that forget their initializer, by which the tests are tried themselves.
class faulty_engine final : public engine {
 public:
  std::unique_ptr<worker_link> start(worker_setup setup, doorbell& bell) override {
    setup.initializer = {};
    return threads_->start(std::move(setup), bell);
  }
  bool carries_handles() const noexcept override { return true; }
  bool can_kill() const noexcept override { return false; }

 private:
  std::unique_ptr<engine> threads_ = make_thread_engine();
};

/// @returns the names of the tests that fail
std::vector<std::string> failures(const conformance::make_engine& make) {
  std::vector<std::string> failed;
  for (const conformance::engine_case& each : conformance::engine_cases()) {
    try {
      each.run(make);
    } catch (const std::exception& problem) {
      failed.push_back(std::string(each.name) + ": " + problem.what());
    }
  }
  return failed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine_conformance)

BOOST_AUTO_TEST_CASE(engine_of_processes_passes) {
  BOOST_TEST(failures([] { return std::shared_ptr<engine>(make_process_engine(default_context())); }) ==
                 std::vector<std::string>(),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(engine_of_threads_passes) {
  BOOST_TEST(
      failures([] { return std::shared_ptr<engine>(make_thread_engine()); }) == std::vector<std::string>(),
      boost::test_tools::per_element());
}

// A test that cannot fail says nothing.
BOOST_AUTO_TEST_CASE(engine_that_forgets_the_initializer_fails) {
  BOOST_TEST(failures([] { return std::make_shared<faulty_engine>(); }).size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
