// SPDX-License-Identifier: BSL-1.0
// Several values in one, and the small types of the standard library.
#include "not_default.hpp"
#include "own_category.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <bitset>
#include <chrono>
#include <complex>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <valarray>
#include <variant>

using namespace ferry;
using namespace ferry::test;

namespace {

struct fragile {
  std::string text;
  fragile() = default;
  explicit fragile(int) { throw std::length_error("fragile"); }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& text;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(standard_types)

BOOST_AUTO_TEST_CASE(a_variant_that_names_an_alternative_it_has_not_is_refused) {
  using variant = std::variant<int, std::string>;
  CHECK_THROWS_SAYING(archive_error, "a variant of 2 alternatives holds number 2",
                      loads<variant>(with_body(variant(1), {2, 0, 0, 0, 0})));
}

BOOST_AUTO_TEST_CASE(a_variant_without_a_value_cannot_be_written) {
  std::variant<std::string, fragile> value = "text";
  BOOST_CHECK_THROW(value.emplace<1>(1), std::length_error);
  BOOST_REQUIRE(value.valueless_by_exception());
  CHECK_THROWS_SAYING(archive_error, "lost its value", dumps(value));
}

BOOST_AUTO_TEST_CASE(a_bitset_with_bits_past_its_size_is_refused) {
  CHECK_THROWS_SAYING(archive_error, "past its size of 9",
                      loads<std::bitset<9>>(with_body(std::bitset<9>(), {0, 2})));
}

BOOST_AUTO_TEST_CASE(an_empty_value_that_is_not_the_zero_byte_is_refused) {
  BOOST_CHECK_THROW(loads<std::monostate>(with_body(std::monostate(), {1})), archive_error);
  BOOST_CHECK_THROW(loads<std::tuple<>>(with_body(std::tuple<>(), {1})), archive_error);
}

BOOST_AUTO_TEST_CASE(an_error_code_of_a_category_of_ones_own_is_refused_by_name_when_written_and_read) {
  CHECK_THROWS_SAYING(name_error, "'own'", dumps(std::error_code(1, own_category())));
  auto bytes = bytes_of(std::make_error_code(std::errc::invalid_argument));
  const std::size_t name = body_of(bytes) + 1;  // after the length of "generic"
  bytes[name] = std::byte{'G'};
  CHECK_THROWS_SAYING(name_error, "'Generic'", loads<std::error_code>(bytes));
}

BOOST_AUTO_TEST_CASE(optionals_variants_tuples_and_pairs_cross_nested) {
  BOOST_CHECK((crosses(std::optional<int>())));
  BOOST_CHECK((crosses(std::optional<std::string>("x"))));
  BOOST_CHECK((crosses(std::optional<std::optional<int>>(std::in_place))));
  BOOST_CHECK((crosses(std::optional<not_default>(not_default(3)))));
  BOOST_CHECK((crosses(std::variant<std::monostate, int, std::string>("x"))));
  BOOST_CHECK((crosses(std::variant<int, int>(std::in_place_index<1>, 7))));
  BOOST_CHECK((crosses(std::variant<not_default, int>(not_default(1)))));
  BOOST_CHECK((crosses(std::tuple<int, std::string, std::vector<int>>(1, "x", {1}))));
  BOOST_CHECK((crosses(std::tuple<>())));
  BOOST_CHECK((crosses(std::tuple<not_default, int>(not_default(1), 2))));
  BOOST_CHECK((crosses(std::pair<std::string, std::optional<std::variant<int, double>>>("k", 1.5))));
  BOOST_CHECK((crosses(std::pair<not_default, int>(not_default(1), 2))));
  BOOST_CHECK((crosses(std::monostate())));
  const auto moved = crossed(std::optional<std::unique_ptr<int>>(std::make_unique<int>(4)));
  BOOST_TEST(**moved == 4);
  const std::variant<std::unique_ptr<int>, int> owner = std::make_unique<int>(5);
  BOOST_TEST(*std::get<0>(crossed(owner)) == 5);
}

BOOST_AUTO_TEST_CASE(bitsets_of_every_size_cross) {
  BOOST_CHECK(crosses(std::bitset<0>()));
  BOOST_CHECK(crosses(std::bitset<1>(1)));
  BOOST_CHECK(crosses(std::bitset<8>(0xa5)));
  BOOST_CHECK(crosses(std::bitset<65>().set(64)));
  BOOST_CHECK(crosses(std::bitset<1000>().flip()));
}

BOOST_AUTO_TEST_CASE(paths_durations_times_and_complex_numbers_cross) {
  BOOST_CHECK(crosses(std::filesystem::path("/usr/include/../x y")));
  BOOST_CHECK(crosses(std::filesystem::path()));
  BOOST_CHECK(crosses(std::chrono::nanoseconds(-5)));
  BOOST_CHECK((crosses(std::chrono::duration<double, std::ratio<1, 60>>(0.25))));
  BOOST_CHECK(crosses(std::chrono::system_clock::now()));
  BOOST_CHECK(crosses(std::chrono::steady_clock::now()));
  BOOST_CHECK(crosses(std::chrono::sys_days(std::chrono::days(19000))));
  BOOST_CHECK(crosses(std::complex<double>(1, -2)));
  BOOST_CHECK(crosses(std::complex<float>(1, -2)));
}

BOOST_AUTO_TEST_CASE(a_time_of_day_without_an_absolute_value_is_refused) {
  using time = std::chrono::hh_mm_ss<std::chrono::seconds>;
  BOOST_CHECK_THROW(loads<time>(with_body(time(), {0, 0, 0, 0, 0, 0, 0, 0x80})), archive_error);
  using thirds = std::chrono::hh_mm_ss<std::chrono::duration<int, std::ratio<1, 3>>>;
  BOOST_CHECK_THROW(loads<thirds>(with_body(thirds(), {0, 0, 0, 0, 0, 0, 0, 0x7f})), archive_error);
}

BOOST_AUTO_TEST_CASE(dates_and_times_of_day_cross) {
  using namespace std::chrono;
  const weekday_indexed second_monday = Monday[2];
  const weekday_last last_monday = Monday[last];
  BOOST_CHECK(crosses(day(5)) && crosses(month(77)) && crosses(year(-5)) && crosses(weekday(3)));
  BOOST_CHECK(crosses(second_monday) && crosses(last_monday));
  BOOST_CHECK(crosses(March / 3) && crosses(March / last));
  BOOST_CHECK(crosses(May / second_monday) && crosses(May / last_monday));
  BOOST_CHECK(crosses(year(2020) / May));
  BOOST_CHECK(crosses(year(2020) / May / 3) && crosses(year(2020) / May / last));
  BOOST_CHECK(crosses(year(2020) / May / second_monday) && crosses(year(2020) / May / last_monday));
  BOOST_CHECK(crosses(std::vector{last_monday}));
  BOOST_CHECK(crosses(local_days(days(4))));
  const hh_mm_ss before_noon(-milliseconds(12345678));
  BOOST_CHECK(crossed(before_noon).to_duration() == before_noon.to_duration());
  BOOST_CHECK(crossed(hh_mm_ss(hours(5))).hours() == hours(5));
}

BOOST_AUTO_TEST_CASE(times_of_day_in_units_that_no_decimal_fraction_has_arrive_as_they_were_sent) {
  using namespace std::chrono;
  using frames = duration<int, std::ratio<1, 60>>;
  for (const int count : {0, 1, 7, 31, 59, 60, 12345, -1, -31}) {
    const hh_mm_ss sent{frames(count)};
    BOOST_CHECK(crossed(sent).to_duration() == sent.to_duration());
  }
}

BOOST_AUTO_TEST_CASE(valarrays_cross) {
  std::valarray<double> numbers{1, 2, 3};
  BOOST_TEST(crossed(numbers).sum() == 6);
  BOOST_TEST(crossed(std::valarray<double>()).size() == 0U);
  BOOST_TEST(crossed(std::valarray<std::string>(std::string("x"), 2))[1] == "x");
  const auto bits = crossed(std::valarray<bool>{true, false});
  BOOST_TEST(bits[0]);
  BOOST_TEST(!bits[1]);
  CHECK_THROWS_SAYING(archive_error, "elements",
                      loads<std::valarray<double>>(
                          with_body(numbers, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10})));
}

BOOST_AUTO_TEST_CASE(error_codes_and_conditions_of_the_standard_library_cross) {
  BOOST_CHECK(crosses(std::error_code()));
  BOOST_CHECK(crosses(std::error_code(2, std::system_category())));
  BOOST_CHECK(crosses(std::make_error_code(std::errc::broken_pipe)));
  BOOST_CHECK(crosses(std::make_error_code(std::io_errc::stream)));
  BOOST_CHECK(crosses(std::make_error_code(std::future_errc::broken_promise)));
  BOOST_CHECK(crosses(std::make_error_condition(std::errc::timed_out)));
}

BOOST_AUTO_TEST_SUITE_END()
