// SPDX-License-Identifier: BSL-1.0
// Values in streams of the standard library, one after the other.
#include <ferry/file.hpp>
#include <ferry/stream_archive.hpp>

#include "round_trip.hpp"

#include <boost/serialization/nvp.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <sstream>

using namespace ferry;
using namespace ferry::test;

BOOST_AUTO_TEST_SUITE(stream_archives)

BOOST_AUTO_TEST_CASE(a_length_that_is_not_true_costs_no_more_memory_than_the_bytes_that_come) {
  std::istringstream two_gigabytes(std::string("\x7f\xff\xff\xff", 4) + "and a few bytes");
  archive_options generous;
  generous.limit.bytes = std::size_t{1} << 40U;
  std::string text;
  CHECK_THROWS_SAYING(archive_error, "ends in the middle of a message",
                      stream_iarchive(two_gigabytes, generous) >> text);
  std::istringstream again(std::string("\x7f\xff\xff\xff", 4));
  CHECK_THROWS_SAYING(limit_exceeded, "limits::bytes", stream_iarchive(again) >> text);
  std::istringstream negative(std::string("\x80\x00\x00\x00", 4));
  CHECK_THROWS_SAYING(archive_error, "negative", stream_iarchive(negative) >> text);
}

BOOST_AUTO_TEST_CASE(a_stream_that_ends_between_values_and_within_one_says_so) {
  std::stringstream stream;
  stream_oarchive(stream) << std::string("text");
  const std::string whole = stream.str();
  std::string text;
  stream_iarchive reader(stream);
  reader >> text;
  BOOST_CHECK_THROW(reader >> text, end_of_stream);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    std::istringstream part(whole.substr(0, size));
    BOOST_CHECK_THROW(stream_iarchive(part) >> text, archive_error);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_takes_no_handles_and_says_when_it_takes_nothing_more) {
  std::ostringstream stream;
  BOOST_CHECK_THROW(stream_oarchive(stream) << file::open("/dev/null", file::mode::read), transfer_error);
  BOOST_TEST(stream.str().empty());
  stream.setstate(std::ios::badbit);
  BOOST_CHECK_THROW(stream_oarchive(stream) << 1, archive_error);
}

BOOST_AUTO_TEST_CASE(values_in_a_stream_are_read_as_the_types_that_were_written) {
  std::stringstream stream;
  const std::map<std::string, int> counts{{"one", 1}};
  int number = 7;
  stream_oarchive writer(stream);
  writer << counts << std::string(3'000'000, 'x') & boost::serialization::make_nvp("number", number);
  std::map<std::string, int> got;
  std::string large;
  int seven = 0;
  stream_iarchive reader(stream);
  reader >> got >> large& boost::serialization::make_nvp("number", seven);
  BOOST_TEST((got == counts));
  BOOST_TEST(large.size() == 3'000'000U);
  BOOST_TEST(seven == 7);
  writer << 1.5;
  BOOST_CHECK_THROW(reader >> seven, type_mismatch);
  writer << 8;
  reader >> seven;
  BOOST_TEST(seven == 8);
}

BOOST_AUTO_TEST_SUITE_END()
