// SPDX-License-Identifier: BSL-1.0
// Values and arrays in shared memory.
#include <ferry/archive.hpp>
#include <ferry/error.hpp>
#include <ferry/shared_array.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/exceptions.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

struct point {
  double x, y;
  bool operator==(const point&) const = default;
};

static_assert(std::ranges::contiguous_range<shared_array<int>>);
static_assert(std::is_copy_constructible_v<shared_value<int>> &&
              std::is_nothrow_move_assignable_v<shared_value<int>>);
static_assert(!std::is_constructible_v<shared_value<int>, std::string>);

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_values)

BOOST_AUTO_TEST_CASE(an_array_of_no_elements_or_too_many_is_refused) {
  BOOST_CHECK_THROW(shared_array<int>(0), system_error);
  BOOST_CHECK_THROW(shared_array<int>(static_cast<std::size_t>(-1) / 4 + 2), system_error);
  BOOST_CHECK_THROW(shared_array<int>(std::span<const int>()), system_error);
}

BOOST_AUTO_TEST_CASE(an_index_beyond_the_end_is_an_error_with_at) {
  const shared_array<int> array(3);
  BOOST_CHECK_THROW(array.at(3), std::out_of_range);
  BOOST_TEST(array.at(2) == 0);
}

BOOST_AUTO_TEST_CASE(received_memory_of_another_size_is_refused) {
  BOOST_CHECK_EXCEPTION(reducer<shared_value<int>>::rebuild(shared_memory(3)), archive_error,
                        says("3 bytes for ferry.shared_value<i32>, whose elements have 4"));
  BOOST_CHECK_EXCEPTION(reducer<shared_array<point>>::rebuild(shared_memory(40)), archive_error,
                        says("40 bytes for ferry.shared_array<"));
  BOOST_CHECK_THROW(reducer<shared_value<int>>::rebuild(shared_memory(4).read_only()), archive_error);
}

BOOST_AUTO_TEST_CASE(a_value_cannot_be_read_as_one_of_another_type) {
  BOOST_CHECK_THROW(loads<shared_value<unsigned>>(dumps(shared_value<int>(1))), type_mismatch);
  BOOST_CHECK_THROW(loads<shared_array<int>>(dumps(shared_value<int>(1))), type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_value_or_an_array_that_crossed_is_the_same_one) {
  const shared_value<point> here(point{1, 2});
  cross(here)->x = 5;
  BOOST_TEST(here->x == 5);
  const shared_array<int> array(4);
  const auto many = loads<std::vector<shared_array<int>>>(dumps(std::vector{array, array}));
  many.at(0)[3] = 9;
  BOOST_TEST(many.at(1)[3] == 9);
  BOOST_TEST(array[3] == 9);
}

BOOST_AUTO_TEST_CASE(copies_refer_to_the_same_value) {
  shared_value<int> first(3);
  const shared_value<int> second = first;
  shared_value<int> third(first);  // a copy, not a value made of one
  *second += 4;
  third.get() += 1;
  BOOST_TEST(first.load() == 8);
  first.store(1);
  BOOST_TEST(*second == 1);
  BOOST_TEST(*shared_value<int>() == 0);
  BOOST_TEST(shared_value<point>(point{1, 2})->y == 2);
}

// conformance: _TestValue.test_value
// conformance: _TestValue.test_rawvalue
BOOST_AUTO_TEST_CASE(a_child_changes_values_of_every_kind) {
  const shared_value<int> i(7);
  const shared_value<double> d(3.5);
  const shared_value<std::int16_t> h(std::int16_t{-232});
  const shared_value<std::int64_t> q(std::int64_t{1} << 33);
  const shared_value<char> c('x');
  BOOST_TEST(fork_child([i = i, d = d, h = h, q = q, c = c] {
               if (*i != 7 || *d != 3.5 || *h != -232 || *q != std::int64_t{1} << 33 || *c != 'x') return 1;
               *i = -22, *d = 1.25, *h = -234, *q = std::int64_t{1} << 34, *c = 'y';
               return 0;
             }) == 0);
  BOOST_TEST(*i == -22);
  BOOST_TEST(*d == 1.25);
  BOOST_TEST(*h == -234);
  BOOST_TEST(*q == std::int64_t{1} << 34);
  BOOST_TEST(*c == 'y');
}

// conformance: _TestArray.test_array
// conformance: _TestArray.test_rawarray
BOOST_AUTO_TEST_CASE(a_child_sums_up_an_array_in_place) {
  const std::vector<int> seed = {680, 626, 934, 821, 150, 233, 548, 982, 714, 831};
  const shared_array<int> array(seed);
  BOOST_TEST(array.size() == seed.size());
  BOOST_TEST(array[3] == seed[3]);
  std::ranges::copy(std::array{1, 2, 3, 4}, array.span().subspan(4, 4).begin());
  std::vector<int> expected(array.begin(), array.end());
  std::partial_sum(expected.begin(), expected.end(), expected.begin());
  BOOST_TEST(fork_child([array = array] {
               std::partial_sum(array.begin(), array.end(), array.begin());
               return 0;
             }) == 0);
  BOOST_TEST(array.span() == expected, boost::test_tools::per_element());
}

// conformance: _TestSharedCTypes.test_sharedctypes
BOOST_AUTO_TEST_CASE(a_child_doubles_values_structures_and_arrays) {
  const shared_value<int> x(7);
  const shared_value<double> y(1.0 / 3.0);
  const shared_value<point> foo(point{3, 2});
  const shared_array<double> array(10);
  std::iota(array.begin(), array.end(), 0.0);
  const shared_value<std::array<char, 8>> string(std::array<char, 8>{"hello"});
  BOOST_TEST(fork_child([x = x, y = y, foo = foo, array = array, string = string] {
               *x *= 2, *y *= 2, foo->x *= 2, foo->y *= 2;
               for (double& each : array) each *= 2;
               *string = std::array<char, 8>{"bye"};
               return 0;
             }) == 0);
  BOOST_TEST(*x == 14);
  BOOST_TEST(*y == 2.0 / 3.0);
  BOOST_TEST((*foo == point{6, 4}));
  BOOST_TEST(array[9] == 18.0);
  BOOST_TEST(string->data() == "bye");
}

// conformance: _TestSharedCTypes.test_copy
BOOST_AUTO_TEST_CASE(a_value_made_from_a_loaded_one_is_independent) {
  const shared_value<point> original(point{2, 5});
  const shared_value<point> copy(original.load());
  original->x = 0;
  BOOST_TEST(copy->x == 2);
}

BOOST_AUTO_TEST_CASE(processes_count_together_with_an_atomic) {
  const shared_value<std::atomic<int>> count(0);
  const auto work = [count = count] {
    for (int i = 0; i < 10'000; ++i) ++*count;
    return 0;
  };
  forked_child first(work), second(work);
  BOOST_TEST(first.wait() == 0);
  BOOST_TEST(second.wait() == 0);
  BOOST_TEST(count.load() == 20'000);
}

BOOST_AUTO_TEST_CASE(processes_count_together_with_atomic_references) {
  const shared_array<int> counts(2);
  const auto work = [counts = counts] {
    for (int i = 0; i < 10'000; ++i) std::atomic_ref(counts[1]).fetch_add(1);
    return 0;
  };
  forked_child first(work), second(work);
  BOOST_TEST(first.wait() == 0);
  BOOST_TEST(second.wait() == 0);
  BOOST_TEST(counts[1] == 20'000);
}

BOOST_AUTO_TEST_SUITE_END()
