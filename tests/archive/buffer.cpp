// SPDX-License-Identifier: BSL-1.0
// The memory behind a message: it grows, and what is written lies in it whole wherever it ended before.
#include <ferry/buffer.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>

using namespace ferry;
using namespace ferry::test;

namespace {

std::vector<std::byte> numbered_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i != count; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return bytes;
}

/// An aggregate that is no block, for not every byte is a bool.
struct pixel {
  std::uint16_t x = 0, y = 0;
  bool lit = false;
  bool operator==(const pixel&) const = default;
};

struct place_in_space {
  float x = 0, y = 0, z = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& x& y& z;
  }
  bool operator==(const place_in_space&) const = default;
};

struct sprite {
  std::string before, name;
  place_in_space where;
  std::int16_t mana = 0, hp = 0;
  std::uint8_t hue = 0;
  std::vector<pixel> pixels;
  std::uint64_t last = 0;
  bool operator==(const sprite&) const = default;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(buffers)

BOOST_AUTO_TEST_CASE(a_buffer_refuses_more_than_there_can_be_and_keeps_what_it_has) {
  const std::vector<std::byte> source = numbered_bytes(4);
  buffer bytes;
  bytes.append(source.data(), source.size());
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t count : {most, most - 3, most / 2 + 2, most / 2 + 1, most / 2}) {
    BOOST_CHECK_THROW(bytes.reserve(count), std::bad_alloc);
    BOOST_CHECK_THROW(bytes.extend(count), std::bad_alloc);
  }
  BOOST_TEST(std::ranges::equal(bytes.bytes(), source));
}

BOOST_AUTO_TEST_CASE(bytes_from_nowhere_are_none) {
  buffer bytes;
  bytes.append(nullptr, 0);
  BOOST_TEST(bytes.empty());
  bytes.append_few(std::byte{0}, nullptr, 0);
  BOOST_TEST(bytes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_few_bytes_are_appended_whole_wherever_the_memory_ends) {
  const std::vector<std::byte> source = numbered_bytes(310);
  // The first memory that a buffer has takes 256 bytes.
  for (std::size_t before = 100; before != 270; ++before) {
    for (std::size_t count = 0; count <= detail::few_bytes; ++count) {
      buffer bytes;
      bytes.append(source.data(), before);
      bytes.append_few(source[before], source.data() + before + 1, count);
      bytes.append(std::uint64_t{0x0807060504030201});
      std::vector<std::byte> expected(source.begin(),
                                      source.begin() + static_cast<std::ptrdiff_t>(before + 1 + count));
      for (int i = 1; i <= 8; ++i) expected.push_back(static_cast<std::byte>(i));
      BOOST_REQUIRE(std::ranges::equal(bytes.bytes(), expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_dropped_from_the_end_of_a_buffer_are_written_anew) {
  const std::vector<std::byte> source = numbered_bytes(100);
  buffer bytes;
  bytes.append(source.data(), 100);
  bytes.truncate(10);
  bytes.append(source.data() + 10, 90);
  BOOST_TEST(std::ranges::equal(bytes.bytes(), source));
  bytes.truncate(0);
  BOOST_TEST(bytes.empty());
}

BOOST_AUTO_TEST_CASE(strings_and_small_classes_cross_whole_wherever_the_memory_ends) {
  for (std::size_t before = 0; before != 300; ++before) {
    for (const unsigned length : {0U, 1U, 2U, 3U, 4U, 7U, 8U, 15U, 16U, 31U, 32U, 33U, 127U, 128U, 200U}) {
      sprite sent{std::string(before, 'b'), std::string(length, 'n'), {1, 2, 3}, 4, 5, 6, {}, 8};
      for (std::uint16_t i = 0; i != 5; ++i) sent.pixels.push_back({i, 9, i % 2 == 0});
      BOOST_REQUIRE(crosses(sent));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
