// SPDX-License-Identifier: BSL-1.0
// Plain aggregates, member by member, with no user code. What cannot be taken apart is in tests/compile_fail.
#include <ferry/detail/archive/aggregate.hpp>

#include "not_default.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>

using namespace ferry;
using namespace ferry::test;

namespace aggregates_test {

struct empty {
  friend bool operator==(const empty&, const empty&) = default;
};
struct inner {
  int a, b;
  friend bool operator==(const inner&, const inner&) = default;
};
struct nested {
  inner first;
  empty none;
  inner second;
  std::map<std::string, inner> map;
  std::optional<inner> maybe;
  friend bool operator==(const nested&, const nested&) = default;
};
struct explicitly_made {
  int value = 0;
  explicit explicitly_made() = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value;
  }
};
struct with_explicitly_made {
  explicitly_made member;
};
struct packed {
  float x, y, z;
  std::uint32_t id;
  friend bool operator==(const packed&, const packed&) = default;
};
struct padded {
  char tag;
  double value;
  friend bool operator==(const padded&, const padded&) = default;
};
struct with_flag {
  int value;
  bool flags[4];
};
struct arrays {
  char name[16];
  int matrix[2][3];
  std::string words[2];
  inner pairs[2];
  int last;
};
struct lanes {
  int id;
  std::vector<int> lane[2];
};
struct only_lanes {
  std::vector<int> lane[2];
};
struct arrays_of_all {
  std::unique_ptr<int> pointers[3];
  std::map<int, std::string> maps[2][2];
  not_default made[2];
  lanes inside[2];
  not_default square[2][2];
  int last;
};
struct large_array {
  int before;
  char block[5000];
  int after;
};
struct move_only {
  std::unique_ptr<int> pointer;
  std::vector<std::unique_ptr<int>> more;
  int numbers[2];
};
struct holds_not_default {
  int first;
  not_default second;
  int array[3];
};
struct with_const {
  const int number = 0;
  const std::string text;
};
/// Made of what is read, with members whose constructors take whatever their contents can be made of.
struct with_const_and_optional {
  const int number;
  std::optional<int> maybe;
  std::optional<bool> flags[2];
  std::variant<std::string> word;
  std::optional<std::optional<int>> twice;
  int last;
};
struct with_not_default_and_optional {
  not_default made;
  std::optional<not_default> maybe[2];
  std::variant<not_default, int> either;
  std::tuple<not_default> one;
  int last;
};
struct tree {
  int value = 0;
  std::vector<tree> children;
  friend bool operator==(const tree&, const tree&) = default;
};
struct everything_small {
  std::variant<int, std::string> variant;
  std::chrono::seconds duration;
  std::filesystem::path path;
  std::tuple<int, std::string> tuple;
  std::pair<int, int> pair;
  std::array<std::string, 2> array;
  std::array<int, 3> numbers;
  std::error_code code;
  std::shared_ptr<inner> shared;
  std::optional<std::vector<int>> maybe;
  std::u16string wide;
};
// As cereal has them: of no meaning here, and not to be called by mistake.
struct has_namesakes {
  int value;
};
template <class Archive>
void save(Archive&, const has_namesakes&) {
  throw std::logic_error("not for Ferry");
}
template <class Archive>
void load(Archive&, has_namesakes&) {
  throw std::logic_error("not for Ferry");
}

}  // namespace aggregates_test

using namespace aggregates_test;

BOOST_AUTO_TEST_SUITE(aggregates)

BOOST_AUTO_TEST_CASE(a_bool_inside_is_checked) {
  BOOST_CHECK_THROW(loads<with_flag>(with_body(with_flag{}, {1, 0, 0, 0, 1, 0, 1, 2})), archive_error);
}

BOOST_AUTO_TEST_CASE(the_members_are_counted_as_they_are_declared) {
  using detail::member_count;
  static_assert(member_count<empty> == 0);
  static_assert(member_count<inner> == 2);
  static_assert(member_count<nested> == 5);
  static_assert(member_count<arrays> == 5);
  static_assert(member_count<large_array> == 3);
  static_assert(member_count<lanes> == 2);
  static_assert(member_count<only_lanes> == 1);
  static_assert(member_count<arrays_of_all> == 6);
  static_assert(member_count<move_only> == 3);
  static_assert(member_count<holds_not_default> == 3);
  static_assert(member_count<with_const> == 2);
  static_assert(member_count<tree> == 2);
  static_assert(member_count<everything_small> == 11);
}

BOOST_AUTO_TEST_CASE(aggregates_cross_empty_and_nested) {
  BOOST_CHECK(crosses(empty()));
  BOOST_CHECK(crosses(std::vector<empty>(3)));
  BOOST_CHECK(crosses(nested{{1, 2}, {}, {3, 4}, {{"k", {5, 6}}}, inner{7, 8}}));
  BOOST_CHECK(crosses(tree{1, {{2, {}}, {3, {{4, {}}}}}}));
}

BOOST_AUTO_TEST_CASE(aggregates_without_padding_go_as_a_block_and_others_leave_their_padding_behind) {
  static_assert(detail::is_bitwise<packed>);
  static_assert(!detail::is_bitwise<padded>);
  static_assert(!detail::is_bitwise<with_flag>);
  BOOST_CHECK(crosses(std::vector<packed>{{1, 2, 3, 4}, {5, 6, 7, 8}}));
  padded one, other;
  std::memset(&one, 0x11, sizeof one);
  std::memset(&other, 0x22, sizeof other);
  one.tag = other.tag = 'x';
  one.value = other.value = 1;
  BOOST_CHECK(bytes_of(one) == bytes_of(other));
  BOOST_CHECK(crosses(one));
}

BOOST_AUTO_TEST_CASE(members_that_are_arrays_cross) {
  const arrays sent{"a name", {{1, 2, 3}, {4, 5, 6}}, {"x", "y"}, {{1, 2}, {3, 4}}, 9};
  const arrays arrived = crossed(sent);
  BOOST_TEST(arrived.name == std::string("a name"));
  BOOST_TEST(arrived.matrix[1][2] == 6);
  BOOST_TEST(arrived.words[1] == "y");
  BOOST_TEST(arrived.pairs[1].b == 4);
  BOOST_TEST(arrived.last == 9);
  auto wide = std::make_unique<large_array>(large_array{1, {}, 2});
  wide->block[4999] = 'z';
  const auto wide_arrived = crossed(wide);
  BOOST_TEST(wide_arrived->block[4999] == 'z');
  BOOST_TEST(wide_arrived->after == 2);
}

BOOST_AUTO_TEST_CASE(members_that_are_arrays_of_anything_cross) {
  BOOST_TEST(crossed(lanes{1, {{1, 2}, {3}}}).lane[1].at(0) == 3);
  BOOST_TEST(crossed(only_lanes{{{1, 2}, {3}}}).lane[0].at(1) == 2);
  arrays_of_all sent{{},
                     {},
                     {not_default(1), not_default(2)},
                     {},
                     {{not_default(3), not_default(4)}, {not_default(5), not_default(6)}},
                     7};
  sent.pointers[2] = std::make_unique<int>(8);
  sent.maps[1][0][9] = "nine";
  sent.inside[1].lane[0] = {10};
  const arrays_of_all arrived = crossed(sent);
  BOOST_TEST(*arrived.pointers[2] == 8);
  BOOST_TEST(arrived.maps[1][0].at(9) == "nine");
  BOOST_TEST(arrived.made[1].value == 2);
  BOOST_TEST(arrived.inside[1].lane[0].at(0) == 10);
  BOOST_TEST(arrived.square[1][0].value == 5);
  BOOST_TEST(arrived.last == 7);
}

BOOST_AUTO_TEST_CASE(members_that_can_only_be_moved_or_need_arguments_cross) {
  move_only sent{std::make_unique<int>(1), {}, {2, 3}};
  sent.more.push_back(std::make_unique<int>(4));
  const move_only arrived = crossed(sent);
  BOOST_TEST(*arrived.pointer == 1);
  BOOST_TEST(*arrived.more.at(0) == 4);
  BOOST_TEST(arrived.numbers[1] == 3);
  const auto made = crossed(holds_not_default{1, not_default(2), {3, 4, 5}});
  BOOST_TEST(made.second.value == 2);
  BOOST_TEST(made.array[2] == 5);
  BOOST_TEST(crossed(std::vector{holds_not_default{1, not_default(2), {}}}).at(0).second.value == 2);
}

BOOST_AUTO_TEST_CASE(members_whose_default_constructor_is_explicit_cross) {
  with_explicitly_made value;
  value.member.value = 5;
  BOOST_TEST(loads<with_explicitly_made>(dumps(value)).member.value == 5);
}

BOOST_AUTO_TEST_CASE(members_that_are_const_cross) {
  const auto arrived = crossed(with_const{5, "text"});
  BOOST_TEST(arrived.number == 5);
  BOOST_TEST(arrived.text == "text");
}

BOOST_AUTO_TEST_CASE(members_that_can_be_made_of_anything_arrive_as_they_were_sent) {
  for (const std::optional<int> maybe : {std::optional<int>(), std::optional<int>(5)}) {
    const auto arrived =
        crossed(with_const_and_optional{1, maybe, {std::nullopt, true}, "word", std::optional<int>(), 6});
    BOOST_CHECK(arrived.maybe == maybe);
    BOOST_CHECK(!arrived.flags[0] && arrived.flags[1] == true);
    BOOST_TEST(std::get<0>(arrived.word) == "word");
    BOOST_REQUIRE(arrived.twice);
    BOOST_CHECK(!*arrived.twice);
    BOOST_TEST(arrived.last == 6);
  }
  const auto made = crossed(with_not_default_and_optional{
      not_default(1), {std::nullopt, not_default(2)}, not_default(3), {not_default(4)}, 5});
  BOOST_TEST(made.made.value == 1);
  BOOST_CHECK(!made.maybe[0]);
  BOOST_REQUIRE(made.maybe[1]);
  BOOST_TEST(made.maybe[1]->value == 2);
  BOOST_TEST(std::get<0>(made.either).value == 3);
  BOOST_TEST(std::get<0>(made.one).value == 4);
  BOOST_TEST(made.last == 5);
}

BOOST_AUTO_TEST_CASE(members_of_all_kinds_cross) {
  const everything_small sent{"text",
                              std::chrono::seconds(5),
                              "/path",
                              {1, "t"},
                              {2, 3},
                              {"a", "b"},
                              {4, 5, 6},
                              std::make_error_code(std::errc::timed_out),
                              std::make_shared<inner>(inner{7, 8}),
                              std::vector<int>{9},
                              u"w"};
  const everything_small arrived = crossed(sent);
  BOOST_TEST(std::get<std::string>(arrived.variant) == "text");
  BOOST_CHECK(arrived.duration == sent.duration);
  BOOST_CHECK(arrived.tuple == sent.tuple);
  BOOST_CHECK(arrived.array == sent.array);
  BOOST_CHECK(arrived.code == sent.code);
  BOOST_CHECK(*arrived.shared == *sent.shared);
  BOOST_CHECK(arrived.maybe == sent.maybe);
}

BOOST_AUTO_TEST_CASE(functions_of_other_libraries_named_save_and_load_are_left_alone) {
  BOOST_TEST(crossed(has_namesakes{4}).value == 4);
  BOOST_TEST(crossed(std::vector<has_namesakes>{{4}}).at(0).value == 4);
  BOOST_TEST(std::get<0>(crossed(std::tuple(has_namesakes{4}, std::string()))).value == 4);
}

BOOST_AUTO_TEST_SUITE_END()
