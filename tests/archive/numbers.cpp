// SPDX-License-Identifier: BSL-1.0
// Numbers, characters and enumerations.
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

using namespace ferry;
using namespace ferry::test;

namespace {

enum plain_enum : unsigned { plain_a = 1, plain_b = 4'000'000'000U };
enum class scoped : std::int8_t { low = -128, high = 127 };
enum class yes_or_no : bool { no, yes };

template <class T>
void check_limits() {
  BOOST_TEST(crosses(std::numeric_limits<T>::lowest()));
  BOOST_TEST(crosses(std::numeric_limits<T>::max()));
  BOOST_TEST(crosses(std::numeric_limits<T>::min()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(a_bool_that_is_neither_0_nor_1_is_refused) {
  for (const int wrong : {2, 0x80, 0xff}) {
    CHECK_THROWS_SAYING(archive_error, "a bool is neither 0 nor 1 but " + std::to_string(wrong),
                        loads<bool>(with_body(true, {wrong})));
    BOOST_CHECK_THROW(loads<yes_or_no>(with_body(yes_or_no::yes, {wrong})), archive_error);
    BOOST_CHECK_THROW(loads<std::vector<bool>>(with_body(std::vector<bool>{true}, {1, wrong})),
                      archive_error);
  }
  BOOST_TEST(loads<bool>(with_body(true, {1})));
  BOOST_TEST(!loads<bool>(with_body(true, {0})));
}

BOOST_AUTO_TEST_CASE(a_number_of_another_type_is_a_type_mismatch_that_names_both) {
  try {
    loads<int>(dumps(1.5));
    BOOST_ERROR("nothing was thrown");
  } catch (const type_mismatch& error) {
    BOOST_TEST(error.held() == "f64");
    BOOST_TEST(error.asked() == "i32");
  }
  BOOST_CHECK_THROW(loads<std::uint32_t>(dumps(1)), type_mismatch);
  BOOST_CHECK_THROW(loads<float>(dumps(1.5)), type_mismatch);
}

BOOST_AUTO_TEST_CASE(bytes_missing_or_left_over_are_refused_with_their_number) {
  CHECK_THROWS_SAYING(archive_error, "4 bytes are to be read and 3 are left",
                      loads<int>(with_body(1, {1, 2, 3})));
  CHECK_THROWS_SAYING(archive_error, "1 bytes are left over", loads<int>(with_body(1, {1, 2, 3, 4, 5})));
}

BOOST_AUTO_TEST_CASE(every_kind_of_number_crosses_with_its_limits) {
  check_limits<char>();
  check_limits<signed char>();
  check_limits<unsigned char>();
  check_limits<short>();
  check_limits<unsigned short>();
  check_limits<int>();
  check_limits<unsigned>();
  check_limits<long>();
  check_limits<unsigned long>();
  check_limits<long long>();
  check_limits<unsigned long long>();
  check_limits<float>();
  check_limits<double>();
  check_limits<long double>();
  BOOST_TEST(crosses(true));
  BOOST_TEST(crosses(false));
  BOOST_CHECK(crosses(u8'x'));
  BOOST_CHECK(crosses(u'\xffff'));
  BOOST_CHECK(crosses(U'\x10ffff'));
  BOOST_CHECK(crosses(L'\x1234'));
}

BOOST_AUTO_TEST_CASE(not_a_number_infinities_and_minus_zero_keep_their_bits) {
  BOOST_TEST(std::isnan(crossed(std::nan(""))));
  BOOST_TEST(crosses(-std::numeric_limits<double>::infinity()));
  BOOST_TEST(std::signbit(crossed(-0.0)));
  BOOST_TEST(crosses(std::numeric_limits<long double>::denorm_min()));
}

BOOST_AUTO_TEST_CASE(a_long_double_carries_no_bytes_of_its_padding) {
  long double value = 1.25L;
  std::memset(reinterpret_cast<char*>(&value) + 10, 0x55, sizeof value - 10);
  BOOST_CHECK(bytes_of(value) == bytes_of(1.25L));
}

BOOST_AUTO_TEST_CASE(enumerations_cross_as_what_they_are) {
  BOOST_CHECK(crosses(plain_b));
  BOOST_CHECK(crosses(scoped::low));
  BOOST_CHECK(crosses(yes_or_no::yes));
  BOOST_CHECK(crosses(std::byte{0xff}));
  BOOST_CHECK(crosses(std::vector{scoped::low, scoped::high}));
  BOOST_CHECK_THROW(loads<scoped>(dumps(std::int8_t{1})), type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_long_goes_where_the_other_64_bit_integer_is_expected) {
  BOOST_TEST(loads<long long>(dumps(5L)) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
