// SPDX-License-Identifier: BSL-1.0
// What hostile bytes can make a reader allocate: no more than they justify. A counting operator new is the
// witness; the archives read into memory from nowhere else.
//
// The bound. A count is believed only as far as the bytes that follow can hold its elements, at one byte
// each, and room is made ahead for no more than as many bytes as follow. Beyond that memory grows with the
// elements that have been read. So one allocation, and all at one time, stay below
//   2 (a vector doubles) * bytes * (size of the largest element in memory / its fewest bytes on the wire)
// and a constant for the texts of errors.
#include "everything.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

/// What this thread has allocated since it was last set to zero.
struct account {
  bool open = false;
  std::size_t largest = 0, held = 0, most = 0;
};
thread_local account now;

void* counted(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  if (now.open) {
    now.largest = std::max(now.largest, size);
    now.held += ::malloc_usable_size(memory);
    now.most = std::max(now.most, now.held);
  }
  return memory;
}
void returned(void* memory) noexcept {
  if (memory != nullptr && now.open) now.held -= std::min(now.held, ::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  returned(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  returned(memory);
}

using namespace ferry;
using namespace ferry::test;

namespace {

constexpr std::size_t texts = 16'384;

/// What reading the bytes as a T allocates.
template <class T>
account allocated_by(std::span<const std::byte> bytes, const archive_options& options = {}) {
  now = {};
  now.open = true;
  try {
    loads<T>(bytes, options);
  } catch (const error&) {
  } catch (...) {
    now.open = false;
    throw;
  }
  now.open = false;
  return now;
}

/// A message of a T whose body is `count`, as the first size in it, and `rest`.
template <class T>
std::vector<std::byte> claiming(std::uint64_t count, const std::vector<std::byte>& rest) {
  auto bytes = bytes_of(T());
  bytes.resize(body_of(bytes));
  const std::size_t body = bytes.size();
  for (; count >= 0x80; count >>= 7U) bytes.push_back(static_cast<std::byte>(count | 0x80U));
  bytes.push_back(static_cast<std::byte>(count));
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  const std::uint64_t size = bytes.size() - body;
  std::memcpy(bytes.data() + 16, &size, sizeof size);
  return bytes;
}

struct huge {
  std::optional<std::array<char, 65536>> block;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(allocations)

BOOST_AUTO_TEST_CASE(a_count_beyond_the_bytes_allocates_nothing) {
  const std::vector<std::byte> some(1000, std::byte{1});
  const auto check = [&](auto type) {
    using T = decltype(type);
    for (const std::uint64_t count :
         {std::uint64_t{1001}, std::uint64_t{1} << 32U, std::uint64_t{1} << 60U}) {
      const account used = allocated_by<T>(claiming<T>(count, some));
      BOOST_TEST(used.most <= texts);
    }
  };
  check(std::string());
  check(std::vector<char>());
  check(std::vector<double>());
  check(std::vector<std::tuple<>>());
  check(std::vector<huge>());
  check(std::deque<std::string>());
  check(std::list<std::string>());
  check(std::set<std::string>());
  check(std::map<std::string, huge>());
  check(std::unordered_map<int, std::string>());
  check(std::unordered_multiset<std::string>());
  check(std::vector<bool>());
}

BOOST_AUTO_TEST_CASE(a_count_that_the_bytes_could_hold_makes_room_for_no_more_than_the_bytes) {
  // A million elements are possible; the first one is wrong.
  const std::vector<std::byte> wrong(1'000'000, std::byte{0xff});
  const std::size_t bytes = wrong.size() + 200;
  BOOST_TEST(allocated_by<std::vector<huge>>(claiming<std::vector<huge>>(wrong.size(), wrong)).most <=
             bytes + 2 * sizeof(huge) + texts);
  BOOST_TEST(allocated_by<std::deque<huge>>(claiming<std::deque<huge>>(wrong.size(), wrong)).most <=
             2 * sizeof(huge) + texts);
  using strings = std::vector<std::array<std::string, 1000>>;
  BOOST_TEST(allocated_by<strings>(claiming<strings>(wrong.size(), wrong)).largest <=
             bytes + sizeof(strings::value_type) + texts);
  using unordered = std::unordered_map<bool, std::string>;
  BOOST_TEST(allocated_by<unordered>(claiming<unordered>(wrong.size(), wrong)).most <= texts);
}

BOOST_AUTO_TEST_CASE(no_flipped_byte_allocates_more_than_the_bytes_justify) {
  // The largest element on the heap is a node of a tree or hash table with a string: under 128 bytes for one.
  constexpr std::size_t largest_ratio = 2 * 128;
  for (const bool overriding : {false, true}) {
    const auto options = all::options(overriding);
    const auto valid = bytes_of(all::full_value(), options);
    auto bytes = valid;
    for (std::size_t i = 0; i != bytes.size(); ++i) {
      for (const unsigned flip : {0x01U, 0x40U, 0x80U, 0xffU}) {
        bytes[i] ^= static_cast<std::byte>(flip);
        const account used = allocated_by<all::everything>(bytes, options);
        bytes[i] = valid[i];
        BOOST_REQUIRE_MESSAGE(used.largest <= 2 * bytes.size() + texts,
                              "one of " << used.largest << " at " << i);
        BOOST_REQUIRE_MESSAGE(used.most <= largest_ratio * bytes.size() + texts, used.most << " at " << i);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
