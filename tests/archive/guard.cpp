// SPDX-License-Identifier: BSL-1.0
// The guard: objects that go only to a child being started, unless the transfer mode says otherwise. Row 24
// of the known failures.
#include <ferry/dispatch_table.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

using namespace ferry;
using namespace ferry::test;

namespace workshop {

/// Stands in for a mutex or a queue.
struct lathe {
  virtual ~lathe() = default;
  int number = 0;
};
struct holder {
  std::string name;
  lathe inside;
};

}  // namespace workshop

template <>
struct ferry::reducer<workshop::lathe> {
  static constexpr std::string_view name = "workshop.lathe";
  static constexpr bool guarded = true;
  static auto reduce(const workshop::lathe& l) { return std::tuple(l.number); }
  static workshop::lathe rebuild(int number) {
    workshop::lathe made;
    made.number = number;
    return made;
  }
};

using workshop::lathe;

namespace {

const std::string refusal =
    "workshop::lathe objects should only be shared between processes through inheritance; use "
    "transfer::duplicate to send them at any time";

}  // namespace

BOOST_AUTO_TEST_SUITE(guard)

BOOST_AUTO_TEST_CASE(a_guarded_object_is_refused_outside_the_start_of_a_child) {
  BOOST_TEST(text_of<spawning_error>([] { dumps(lathe()); }) == refusal);
  BOOST_TEST(text_of<spawning_error>([] { assert_spawning(lathe()); }) == refusal);
}

BOOST_AUTO_TEST_CASE(a_guarded_object_is_refused_wherever_it_is_inside) {
  const auto refused = [](const auto& value) {
    BOOST_TEST(text_of<spawning_error>([&] { dumps(value); }) == refusal);
  };
  refused(std::vector<lathe>(1));
  refused(std::map<std::string, lathe>{{"k", {}}});
  refused(std::optional<lathe>(lathe()));
  refused(std::variant<int, lathe>(lathe()));
  refused(std::tuple<int, lathe>());
  refused(std::make_unique<lathe>());
  refused(std::make_shared<lathe>());
  refused(workshop::holder());
}

BOOST_AUTO_TEST_CASE(the_guard_is_open_within_the_outermost_scope_on_its_own_thread_alone) {
  BOOST_TEST(!is_spawning());
  {
    const spawning_scope outer;
    {
      const spawning_scope inner;
      BOOST_TEST(is_spawning());
    }
    BOOST_TEST(is_spawning());
    assert_spawning(lathe());
    lathe sent;
    sent.number = 3;
    BOOST_TEST(crossed(sent).number == 3);
    bool elsewhere = true;
    std::thread([&] { elsewhere = is_spawning(); }).join();
    BOOST_TEST(!elsewhere);
  }
  BOOST_TEST(!is_spawning());
  BOOST_CHECK_THROW(dumps(lathe()), spawning_error);
}

BOOST_AUTO_TEST_CASE(the_mode_duplicate_lifts_the_guard) {
  archive_options options;
  options.mode = transfer::duplicate;
  lathe sent;
  sent.number = 4;
  BOOST_TEST(crossed(sent, options).number == 4);
  BOOST_TEST(crossed(workshop::holder{"h", sent}, options).inside.number == 4);
  BOOST_TEST(crossed(std::vector<lathe>{sent}, options).at(0).number == 4);
}

BOOST_AUTO_TEST_CASE(reading_asks_for_no_permission) {
  archive_options options;
  options.mode = transfer::duplicate;
  loads<lathe>(dumps(lathe(), options));
}

BOOST_AUTO_TEST_SUITE_END()
