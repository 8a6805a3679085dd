// SPDX-License-Identifier: BSL-1.0
// Strings, views and all containers of the standard library.
#include "not_default.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <queue>
#include <set>
#include <stack>
#include <unordered_map>
#include <unordered_set>

using namespace ferry;
using namespace ferry::test;

namespace {

struct point {
  float x, y;
  friend bool operator==(const point&, const point&) = default;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(containers)

BOOST_AUTO_TEST_CASE(a_count_that_the_bytes_cannot_hold_is_refused_before_anything_is_allocated) {
  // 2^60 elements, of one byte at least, in no bytes.
  const auto hostile = [](const auto& value) {
    return with_body(value, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10});
  };
  const auto refused = [&](const auto& value) {
    using type = std::remove_cvref_t<decltype(value)>;
    CHECK_THROWS_SAYING(archive_error, "1152921504606846976 elements", loads<type>(hostile(value)));
  };
  refused(std::string("x"));
  refused(std::u32string(U"x"));
  refused(std::vector<char>(1));
  refused(std::vector<double>(1));
  refused(std::vector<std::string>(1));
  refused(std::vector<bool>(1));
  refused(std::vector<std::tuple<>>(1));
  refused(std::vector<std::array<std::string, 10000>>(1));
  refused(std::deque<std::tuple<>>(1));
  refused(std::list<int>(1));
  refused(std::forward_list<int>(1));
  refused(std::set<int>{1});
  refused(std::unordered_set<int>{1});
  refused(std::map<int, int>{{1, 1}});
  refused(std::unordered_multimap<int, int>{{1, 1}});
  refused(std::stack<int>());
}

BOOST_AUTO_TEST_CASE(strings_of_every_character_cross_with_nulls_inside) {
  BOOST_TEST(crosses(std::string()));
  BOOST_TEST(crosses(std::string("a\0b", 3)));
  BOOST_TEST(crosses(std::string(100'000, 'x')));
  BOOST_CHECK(crosses(std::wstring(L"wide")));
  BOOST_CHECK(crosses(std::u8string(u8"ä")));
  BOOST_CHECK(crosses(std::u16string(u"ä\xd83d")));
  BOOST_CHECK(crosses(std::u32string(U"\x10ffff")));
  BOOST_CHECK(crosses(std::pmr::string("in a resource")));
}

BOOST_AUTO_TEST_CASE(views_and_literals_are_written_and_read_as_what_owns_the_same) {
  BOOST_TEST(loads<std::string>(dumps("literal")) == "literal");
  const char* const pointer = "pointer";
  BOOST_TEST(loads<std::string>(dumps(pointer)) == "pointer");
  BOOST_TEST(loads<std::string>(dumps(std::string_view("view"))) == "view");
  const std::vector<int> numbers{1, 2, 3};
  BOOST_CHECK(loads<std::vector<int>>(dumps(std::span(numbers))) == numbers);
  BOOST_CHECK(loads<std::vector<int>>(dumps(std::span<const int, 3>(numbers))) == numbers);
  const std::vector<std::string> words{"a", "b"};
  BOOST_CHECK(loads<std::vector<std::string>>(dumps(std::span(words))) == words);
  std::vector<std::byte> bytes(1 << 20, std::byte{7});
  BOOST_CHECK(loads<std::vector<std::byte>>(dumps(std::span(bytes))) == bytes);
}

BOOST_AUTO_TEST_CASE(vectors_cross_of_bits_blocks_and_elements) {
  std::vector<bool> bits(1001);
  for (std::size_t i = 0; i < bits.size(); i += 3) bits[i] = true;
  BOOST_CHECK(crosses(bits));
  std::vector<double> numbers(100'000);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  BOOST_CHECK(crosses(numbers));
  BOOST_CHECK(crosses(std::vector<long double>{1, 2}));
  BOOST_CHECK(crosses(std::vector<point>{{1, 2}, {3, 4}}));
  BOOST_CHECK(crosses(std::vector<std::array<point, 2>>{{{{1, 2}, {3, 4}}}}));
  BOOST_CHECK(crosses(std::vector<std::string>{"", "b"}));
  BOOST_CHECK(crosses(std::vector<not_default>{not_default(1), not_default(2)}));
  BOOST_CHECK(crosses(std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {}}));
}

BOOST_AUTO_TEST_CASE(blocks_around_the_size_of_what_is_copied_at_once_arrive_whole) {
  constexpr std::size_t once = detail::copied_at_once;
  for (const std::size_t size : {once - 1, once, once + 1, 2 * once, 3 * once + 5}) {
    std::vector<std::byte> bytes(size);
    std::string text(size, ' ');
    std::vector<std::uint16_t> numbers(size / 2);
    for (std::size_t i = 0; i != size; ++i)
      bytes[i] = static_cast<std::byte>(text[i] = static_cast<char>(i % 251));
    for (std::size_t i = 0; i != numbers.size(); ++i) numbers[i] = static_cast<std::uint16_t>(i % 65521);
    BOOST_CHECK(crosses(bytes));
    BOOST_CHECK(crosses(text));
    BOOST_CHECK(crosses(numbers));
    std::vector<std::byte> into(7, std::byte{1});
    forking_iarchive(dumps(bytes)) >> into;
    BOOST_CHECK(into == bytes);
  }
}

BOOST_AUTO_TEST_CASE(move_only_elements_cross_in_every_container) {
  std::vector<std::unique_ptr<int>> vector;
  vector.push_back(std::make_unique<int>(1));
  vector.emplace_back();
  const auto arrived = crossed(vector);
  BOOST_TEST(*arrived.at(0) == 1);
  BOOST_TEST(arrived.at(1) == nullptr);

  std::map<std::string, std::unique_ptr<std::string>> map;
  map["k"] = std::make_unique<std::string>("v");
  BOOST_TEST(*crossed(map).at("k") == "v");
  std::list<std::unique_ptr<int>> list;
  list.push_back(std::make_unique<int>(2));
  BOOST_TEST(*crossed(list).front() == 2);
  std::deque<std::unique_ptr<int>> deque;
  deque.push_back(std::make_unique<int>(3));
  BOOST_TEST(*crossed(deque).front() == 3);
  std::forward_list<std::unique_ptr<int>> forward;
  forward.push_front(std::make_unique<int>(4));
  BOOST_TEST(*crossed(forward).front() == 4);
  std::unordered_map<int, std::unique_ptr<int>> unordered;
  unordered.emplace(1, std::make_unique<int>(5));
  BOOST_TEST(*crossed(unordered).at(1) == 5);
}

BOOST_AUTO_TEST_CASE(sequences_keep_their_order) {
  BOOST_CHECK(crosses(std::deque<int>{3, 1, 2}));
  BOOST_CHECK(crosses(std::deque<bool>{true, false}));
  BOOST_CHECK(crosses(std::list<std::string>{"c", "a"}));
  BOOST_CHECK(crosses(std::forward_list<int>{3, 1, 2}));
  BOOST_CHECK(crosses(std::list<not_default>{not_default(7)}));
  BOOST_CHECK(crosses(std::deque<not_default>{not_default(7)}));
}

BOOST_AUTO_TEST_CASE(sets_and_maps_cross_ordered_unordered_and_with_equal_keys) {
  BOOST_CHECK(crosses(std::set<std::string>{"b", "a"}));
  BOOST_CHECK(crosses(std::set<int, std::greater<>>{1, 2, 3}));
  BOOST_CHECK(crosses(std::multiset<int>{1, 1, 2}));
  BOOST_CHECK(crosses(std::map<std::string, std::vector<int>>{{"k", {1, 2}}}));
  BOOST_CHECK(crosses(std::multimap<int, std::string>{{1, "a"}, {1, "b"}}));
  BOOST_CHECK(crosses(std::unordered_set<std::string>{"b", "a"}));
  BOOST_CHECK(crosses(std::unordered_multiset<int>{1, 1}));
  BOOST_CHECK(crosses(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}}));
  BOOST_CHECK(crosses(std::unordered_multimap<int, int>{{1, 1}, {1, 2}}));
  BOOST_CHECK(crosses(std::map<not_default, not_default>{{not_default(1), not_default(2)}}));
}

BOOST_AUTO_TEST_CASE(adaptors_cross_with_what_they_hold) {
  std::stack<int> stack;
  stack.push(1);
  stack.push(2);
  BOOST_CHECK(crosses(stack));
  std::queue<std::string, std::list<std::string>> queue;
  queue.push("first");
  queue.push("second");
  BOOST_CHECK(crosses(queue));
  std::priority_queue<int> priority;
  for (const int n : {3, 9, 5}) priority.push(n);
  auto arrived = crossed(priority);
  BOOST_TEST(arrived.top() == 9);
  arrived.pop();
  BOOST_TEST(arrived.top() == 5);
}

BOOST_AUTO_TEST_CASE(a_priority_queue_whose_elements_are_in_no_order_of_one_still_gives_the_greatest) {
  auto bytes = bytes_of(std::priority_queue<unsigned char>());
  const auto queue = loads<std::priority_queue<unsigned char>>(
      with_body(std::priority_queue<unsigned char>(), {3, 1, 2, 9}));
  BOOST_TEST(int{queue.top()} == 9);
}

BOOST_AUTO_TEST_CASE(c_arrays_and_std_arrays_cross) {
  const int numbers[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const auto arrived = loads<std::array<std::array<int, 3>, 2>>(dumps(numbers));
  BOOST_TEST(arrived[1][2] == 6);
  BOOST_CHECK((crosses(std::array<std::string, 3>{"a", "b", "c"})));
  BOOST_CHECK((crosses(std::array<int, 0>{})));
  BOOST_CHECK((crosses(std::array<not_default, 2>{not_default(1), not_default(2)})));
}

BOOST_AUTO_TEST_CASE(reading_into_a_value_replaces_what_it_held) {
  std::vector<std::string> words{"one", "two", "three"};
  loads_into(words, dumps(std::vector<std::string>{"four"}));
  BOOST_CHECK(words == std::vector<std::string>{"four"});
  std::map<int, int> map{{1, 1}};
  loads_into(map, dumps(std::map<int, int>{{2, 2}}));
  BOOST_CHECK((map == std::map<int, int>{{2, 2}}));
}

BOOST_AUTO_TEST_CASE(elements_are_counted_against_the_limit_of_objects) {
  archive_options few;
  few.limit.objects = 10;
  const std::vector<std::string> words(11, "word");
  CHECK_THROWS_SAYING(limit_exceeded, "limits::objects, which is 10", dumps(words, few));
  CHECK_THROWS_SAYING(limit_exceeded, "limits::objects, which is 10",
                      loads<std::vector<std::string>>(dumps(words), few));
  // Numbers go as a block, which costs nothing by the element.
  BOOST_TEST(loads<std::vector<int>>(dumps(std::vector<int>(1000), few), few).size() == 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
