// SPDX-License-Identifier: BSL-1.0
// Reading without knowing what arrives: loads_any and dispatcher.
#include <ferry/any_object.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>

using namespace ferry;
using namespace ferry::test;

namespace dynamic_test {

struct frame {
  int width, height;
};
struct circle {
  int radius = 0;
  explicit circle(int r) : radius(r) {}
};

}  // namespace dynamic_test

using namespace dynamic_test;

template <>
struct ferry::reducer<circle> {
  static constexpr std::string_view name = "test.circle";
  static auto reduce(const circle& c) { return std::tuple(c.radius); }
  static circle rebuild(int radius) { return circle(radius); }
};

BOOST_AUTO_TEST_SUITE(dynamic)

BOOST_AUTO_TEST_CASE(an_unknown_name_is_an_error_that_names_it) {
  CHECK_THROWS_SAYING(name_error, "knows 'dynamic_test::frame'", loads_any(dumps(frame{1, 2})));
  try {
    loads_any(dumps(frame{1, 2}));
  } catch (const name_error& error) {
    BOOST_TEST(error.name() == "dynamic_test::frame");
  }
}

BOOST_AUTO_TEST_CASE(asking_an_object_for_another_type_is_a_mismatch_that_names_both) {
  auto object = loads_any(dumps(std::string("text")));
  BOOST_TEST(!object.holds<int>());
  try {
    object.get<int>();
    BOOST_ERROR("nothing was thrown");
  } catch (const type_mismatch& error) {
    BOOST_TEST(error.held() == "string");
    BOOST_TEST(error.asked() == "i32");
  }
  const auto taken = std::move(object);
  CHECK_THROWS_SAYING(type_mismatch, "nothing (it was moved from)", object.get<std::string>());
}

BOOST_AUTO_TEST_CASE(bytes_that_are_wrong_are_refused_as_when_the_type_is_known) {
  BOOST_CHECK_THROW(loads_any(dumps(std::set<int>{1})), name_error);
  auto bytes = bytes_of(std::string("text"));
  bytes.pop_back();
  buffer cut;
  cut.append(bytes.data(), bytes.size());
  BOOST_CHECK_THROW(loads_any(message(std::move(cut))), archive_error);
}

BOOST_AUTO_TEST_CASE(an_object_of_any_registered_type_tells_what_it_is) {
  dispatch_table table;
  table.add<frame>("camera.frame");
  table.add<circle>();
  archive_options options;
  options.table = &table;
  auto object = loads_any(dumps(frame{3, 4}, options), options);
  BOOST_TEST(object.name() == "camera.frame");
  BOOST_CHECK(object.type() == typeid(frame));
  BOOST_TEST(object.holds<frame>());
  BOOST_TEST(object.get<frame>().height == 4);
  object.get<frame>().height = 5;
  BOOST_TEST(std::move(object).get<frame>().height == 5);
  BOOST_TEST(loads_any(dumps(circle(6), options), options).get<circle>().radius == 6);
  BOOST_TEST(loads_any(dumps(1.5)).get<double>() == 1.5);
  BOOST_TEST(loads_any(dumps(std::vector<std::string>{"a"})).get<std::vector<std::string>>().at(0) == "a");
}

BOOST_AUTO_TEST_CASE(types_with_a_way_given_at_run_time_are_read_dynamically) {
  dispatch_table table;
  table.add<frame>(
      "frame by entry", [](const frame& f) { return std::tuple(f.width); },
      [](int w) {
        return frame{w, -1};
      });
  archive_options options;
  options.table = &table;
  BOOST_TEST(loads_any(dumps(frame{3, 4}, options), options).get<frame>().height == -1);
}

BOOST_AUTO_TEST_CASE(a_message_for_which_there_is_no_handler_is_an_error_that_names_it_and_those_there_are) {
  dispatcher on;
  on.type<std::string>([](std::string) {}).type<int>([](int) {});
  CHECK_THROWS_SAYING(name_error, "no handler for 'f64'; there are handlers for: i32, string",
                      on(dumps(1.5)));
}

BOOST_AUTO_TEST_CASE(a_second_handler_for_a_type_is_refused) {
  dispatcher on;
  on.type<int>([](int) {});
  CHECK_THROWS_SAYING(name_error, "has a handler for 'i32' already", on.type<int>([](int) {}));
}

BOOST_AUTO_TEST_CASE(the_handler_for_what_arrives_is_called_with_it) {
  dispatch_table table;
  table.add<frame>("camera.frame");
  archive_options options;
  options.table = &table;
  std::string seen;
  dispatcher on(options);
  on.type<frame>([&](frame f) { seen += "frame " + std::to_string(f.width) + ";"; })
      .type<std::string>([&](const std::string& s) { seen += "string " + s + ";"; })
      .type<std::unique_ptr<int>>(
          [&](std::unique_ptr<int> p) { seen += "pointer " + std::to_string(*p) + ";"; });
  on(dumps("text", options));
  on(dumps(frame{7, 8}, options));
  on(dumps(std::make_unique<int>(9), options));
  BOOST_TEST(seen == "string text;frame 7;pointer 9;");
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_handler_comes_out_as_it_is) {
  dispatcher on;
  on.type<int>([](int) { throw std::logic_error("handler"); });
  BOOST_CHECK_THROW(on(dumps(1)), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
