// SPDX-License-Identifier: BSL-1.0
// The tests that every driver has to pass, over each of Ferry's own.
#include <ferry/driver_conformance.hpp>
#include <ferry/error.hpp>

#include "channel/carriers.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

using namespace ferry;

namespace {

/// A carrier with a fault, by which the tests are tried themselves.
class faulty_driver final : public driver {
 public:
  enum class fault { loses_a_byte, repeats, is_always_up, takes_handles, ignores_limits };

  faulty_driver(connection through, fault how) : through_(std::move(through)), how_(how) {}

  bool send(const message_view& what, deadline until) override {
    if (what.handles.empty()) return through_.carrier().send(what, until);
    return through_.carrier().send({.bytes = what.bytes}, until);
  }
  std::optional<message> receive(const limits& limit, deadline until) override {
    if (how_ == fault::repeats && last_) return std::exchange(last_, std::nullopt);
    limits most = limit;
    if (how_ == fault::ignores_limits) most = {};
    std::optional<message> what = through_.carrier().receive(most, until);
    if (what && how_ == fault::loses_a_byte && what->bytes().size() > 100)
      what->storage().truncate(what->bytes().size() - 1);
    if (what && how_ == fault::repeats) {
      buffer copy;
      copy.append(what->bytes().data(), what->bytes().size());
      last_.emplace(std::move(copy));
    }
    return what;
  }
  bool readable(deadline until) override { return through_.carrier().readable(until); }
  handle_view wait_handle() const noexcept override {
    return how_ == fault::is_always_up ? handle_view(up_.native_handle()) : through_.carrier().wait_handle();
  }
  handle_view end() const override { throw transfer_error("a faulty driver stays where it is"); }
  handle_carriage carriage() const noexcept override {
    return how_ == fault::takes_handles ? handle_carriage::direct : handle_carriage::none;
  }

 private:
  connection through_;
  fault how_;
  std::optional<message> last_;
  connection up_ = ended();

  static connection ended() { return std::move(pipe().first); }
};

bool passes(const conformance::driver_case& each, const conformance::make_ends& make) {
  try {
    each.run(make);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(driver_conformance)

BOOST_AUTO_TEST_CASE_TEMPLATE(carriers_of_ferry_pass, Carrier, test::all_carriers) {
  const auto make = [] {
    test::ends made = Carrier::make();
    return conformance::ends{std::move(made.sender), std::move(made.receiver)};
  };
  for (const conformance::driver_case& each : conformance::driver_cases()) {
    try {
      each.run(make);
    } catch (const std::exception& problem) {
      BOOST_ERROR(each.name << ": " << problem.what());
    }
  }
}

// A test that cannot fail says nothing.
BOOST_AUTO_TEST_CASE(faulty_drivers_fail) {
  using fault = faulty_driver::fault;
  for (const fault how : {fault::loses_a_byte, fault::repeats, fault::is_always_up, fault::takes_handles,
                          fault::ignores_limits}) {
    const auto make = [how] {
      auto [first, second] = pipe();
      return conformance::ends{connection(std::make_unique<faulty_driver>(std::move(first), how)),
                               connection(std::make_unique<faulty_driver>(std::move(second), how))};
    };
    bool all = true;
    for (const conformance::driver_case& each : conformance::driver_cases()) all = all && passes(each, make);
    BOOST_CHECK_MESSAGE(!all, "a driver with fault " << static_cast<int>(how) << " passes all tests");
  }
}

BOOST_AUTO_TEST_SUITE_END()
