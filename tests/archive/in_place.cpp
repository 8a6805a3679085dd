// SPDX-License-Identifier: BSL-1.0
// What is read is built where it stays: parts that cannot be assigned, or not by everything, containers that
// compare by a function of their own, and what is too large for a stack.
#include "not_default.hpp"
#include "round_trip.hpp"
#include "support/sanitizer.hpp"
#include "support/small_stack.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <unordered_set>
#include <variant>

using namespace ferry;
using namespace ferry::test;

namespace in_place_test {

/// Cannot be assigned.
struct fixed {
  const int kind = 1;
  std::string text;
  friend bool operator==(const fixed&, const fixed&) = default;
};
/// Cannot be assigned a value of another size, as arrays of several dimensions have it.
struct cell_grid {
  std::vector<int> cells;
  cell_grid() = default;
  explicit cell_grid(std::vector<int> c) : cells(std::move(c)) {}
  cell_grid(const cell_grid&) = default;
  cell_grid& operator=(const cell_grid& other) {
    if (other.cells.size() != cells.size()) std::abort();
    cells = other.cells;
    return *this;
  }
  friend bool operator==(const cell_grid&, const cell_grid&) = default;
};
/// Neither copied nor assigned.
struct moved_only {
  int value;
  explicit moved_only(int v) : value(v) {}
  moved_only(moved_only&&) = default;
  moved_only& operator=(moved_only&&) = delete;
  friend bool operator==(const moved_only&, const moved_only&) = default;
};
struct whole {
  int id = 0;
  cell_grid cells;
  fixed text;
  cell_grid more[2];
  fixed texts[2][2];
  friend bool operator==(const whole&, const whole&) = default;
};
struct serialized {
  cell_grid cells;
  fixed text;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& cells& text;
  }
  friend bool operator==(const serialized&, const serialized&) = default;
};
struct with_const {
  const int number;
  moved_only value;
  const std::string text;
  friend bool operator==(const with_const&, const with_const&) = default;
};
struct tile {
  std::array<double, 80 * 1024> pixels{};
  double& first() { return pixels[0]; }
  friend bool operator<(const tile& a, const tile& b) { return a.pixels[0] < b.pixels[0]; }
};
/// Made of an argument alone.
struct sheet {
  std::array<double, 640 * 1024> pixels{};
  explicit sheet(double value) { pixels[0] = value; }
};
struct filed {
  int id;
  sheet page;
  std::string text;
};
struct knot {
  cell_grid cells;
  std::shared_ptr<knot> next;
};

}  // namespace in_place_test

using namespace in_place_test;

template <>
struct ferry::reducer<cell_grid> {
  static constexpr std::string_view name = "test.grid";
  static auto reduce(const cell_grid& g) { return std::tuple(g.cells); }
  static cell_grid rebuild(std::vector<int> cells) { return cell_grid(std::move(cells)); }
};
template <>
struct ferry::reducer<sheet> {
  static constexpr std::string_view name = "test.sheet";
  static std::tuple<const std::array<double, 640 * 1024>&> reduce(const sheet& s) { return {s.pixels}; }
  static sheet rebuild(const std::array<double, 640 * 1024>& pixels) { return sheet(pixels[0]); }
};
template <>
struct ferry::reducer<moved_only> {
  static constexpr std::string_view name = "test.moved_only";
  static auto reduce(const moved_only& m) { return std::tuple(m.value); }
  static moved_only rebuild(int value) { return moved_only(value); }
};

namespace {

const cell_grid three({1, 2, 3});
bool more(int a, int b) {
  return a > b;
}

template <class T>
bool arrives(const T& value) {
  return loads<T>(dumps(value)) == value;
}

struct link_list {
  int value = 0;
  std::unique_ptr<link_list> next;
};

/// The value as it is returned by `loads`, and after it has been read into.
template <class T>
std::unique_ptr<T> crossed_on_small_stack(const T& value) {
  std::unique_ptr<T> arrived;
  on_small_stack([&] {
    arrived.reset(new T(loads<T>(dumps(value))));
    loads_into(*arrived, dumps(value));
  });
  return arrived;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(in_place)

BOOST_AUTO_TEST_CASE(elements_that_are_larger_than_the_stack_cross) {
  std::map<int, tile> map;
  map[1].first() = 5;
  BOOST_TEST(crossed_on_small_stack(map)->at(1).first() == 5);
  std::map<int, sheet> sheets;
  sheets.emplace(1, 5.0);
  BOOST_TEST(crossed_on_small_stack(sheets)->at(1).pixels[0] == 5);
  std::set<tile> set;
  set.emplace();
  BOOST_TEST(crossed_on_small_stack(set)->size() == 1U);
  BOOST_TEST(crossed_on_small_stack(std::vector<tile>(2))->size() == 2U);
  std::vector<sheet> vector;
  vector.emplace_back(5);
  BOOST_TEST(crossed_on_small_stack(vector)->at(0).pixels[0] == 5);
  const std::priority_queue<tile> queue(std::less<tile>(), std::vector<tile>(1));
  BOOST_TEST(crossed_on_small_stack(queue)->size() == 1U);
}

BOOST_AUTO_TEST_CASE(parts_that_are_larger_than_the_stack_cross) {
  const auto either = std::make_unique<std::variant<int, tile>>(std::in_place_index<1>);
  BOOST_TEST(crossed_on_small_stack(*either)->index() == 1U);
  const auto sheet_or = std::make_unique<std::variant<sheet, int>>(std::in_place_index<0>, 5);
  BOOST_TEST(std::get<0>(*crossed_on_small_stack(*sheet_or)).pixels[0] == 5);
  const auto maybe = std::make_unique<std::optional<sheet>>(std::in_place, 5);
  BOOST_TEST((*crossed_on_small_stack(*maybe))->pixels[0] == 5);
  const auto both = std::make_unique<std::tuple<int, tile>>();
  BOOST_TEST(std::get<0>(*crossed_on_small_stack(*both)) == 0);
  const auto pair = std::make_unique<std::pair<int, sheet>>(1, 5.0);
  BOOST_TEST(crossed_on_small_stack(*pair)->second.pixels[0] == 5);
  const std::unique_ptr<filed> members(new filed{1, sheet(5), "text"});
  BOOST_TEST(crossed_on_small_stack(*members)->page.pixels[0] == 5);
  BOOST_TEST((*crossed_on_small_stack(std::make_shared<sheet>(5.0)))->pixels[0] == 5);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_deeper_than_the_stack_has_room_for_is_refused) {
  constexpr std::size_t deep = 100'000;
  const archive_options options{.limit = {.depth = 3 * deep}};
  link_list first;
  for (std::size_t i = 0; i != deep; ++i) first = link_list{1, std::make_unique<link_list>(std::move(first))};
  on_small_stack(
      [&] { CHECK_THROWS_SAYING(limit_exceeded, "this thread's stack of 256 KiB", dumps(first, options)); });
  message sent;
  on_stack_of(std::size_t{512} << 20U, [&] { sent = dumps(first, options); });
  on_small_stack([&] {
    CHECK_THROWS_SAYING(limit_exceeded, "this thread's stack of 256 KiB",
                        loads<link_list>(std::move(sent), options));
  });
  while (first.next) first = std::exchange(*std::exchange(first.next, nullptr), link_list());
}

BOOST_AUTO_TEST_CASE(values_inside_one_another_to_the_usual_depth_fit_the_stack) {
  link_list first;
  for (std::size_t i = 0; i != limits{}.depth / 2 - 1; ++i)
    first = link_list{1, std::make_unique<link_list>(std::move(first))};
  // What a sanitizer adds to each call has room beside it.
  on_stack_of((std::size_t{256} << 10U) * (with_shadow_memory ? 8 : 1), [&] {
    link_list arrived = loads<link_list>(dumps(first));
    loads_into(arrived, dumps(first));
    BOOST_TEST(arrived.next->value == 1);
  });
}

BOOST_AUTO_TEST_CASE(parts_whose_assignment_is_special_are_built_in_whatever_holds_them) {
  const whole sent{1, three, {1, "a"}, {cell_grid({1}), three}, {{{1, "b"}, {1, "c"}}, {{1, "d"}, {1, "e"}}}};
  BOOST_CHECK(arrives(sent));
  BOOST_CHECK(arrives(std::vector<whole>{sent, whole{}, sent}));
  BOOST_CHECK((arrives(std::tuple<int, cell_grid, fixed>(1, three, fixed{1, "x"}))));
  BOOST_CHECK((arrives(std::pair<fixed, cell_grid>(fixed{1, "x"}, three))));
  BOOST_CHECK((arrives(std::array<cell_grid, 2>{three, cell_grid({1})})));
  BOOST_CHECK((arrives(std::array<fixed, 2>{fixed{1, "x"}, fixed{1, "y"}})));
  BOOST_CHECK((arrives(std::variant<int, fixed>(fixed{1, "x"}))));
  BOOST_CHECK((arrives(std::variant<std::pair<int, fixed>, cell_grid>(three))));
  BOOST_CHECK((
      arrives(std::optional<std::tuple<cell_grid, std::variant<int, cell_grid>>>(std::tuple(three, three)))));
  BOOST_CHECK((arrives(std::map<int, whole>{{1, sent}})));
  BOOST_CHECK(arrives(serialized{three, {1, "x"}}));
  BOOST_CHECK(*loads<std::unique_ptr<whole>>(dumps(std::make_unique<whole>(sent))) == sent);
  BOOST_CHECK(*loads<std::shared_ptr<whole>>(dumps(std::make_shared<whole>(sent))) == sent);
}

BOOST_AUTO_TEST_CASE(parts_that_are_only_moved_or_const_without_a_value_cross) {
  BOOST_CHECK(arrives(with_const{1, moved_only(2), "x"}));
  BOOST_CHECK((arrives(std::pair<int, moved_only>(1, moved_only(2)))));
  BOOST_CHECK((arrives(std::tuple<moved_only, int>(moved_only(2), 1))));
  BOOST_CHECK((arrives(std::variant<moved_only, int>(moved_only(2)))));
  BOOST_CHECK((arrives(std::variant<int, moved_only>(moved_only(2)))));
  std::vector<moved_only> several;
  several.emplace_back(1);
  several.emplace_back(2);
  BOOST_CHECK(arrives(several));
  std::map<int, moved_only> map;
  map.emplace(1, 2);
  BOOST_CHECK(arrives(map));
}

BOOST_AUTO_TEST_CASE(a_value_that_there_is_gets_parts_of_another_size) {
  whole there{2, cell_grid({9}), {1, "old"}, {}, {}};
  const whole sent{1, three, {1, "a"}, {cell_grid({1}), three}, {}};
  loads_into(there, dumps(sent));
  BOOST_CHECK(there == sent);
  serialized class_there{cell_grid({9}), {1, "old"}};
  loads_into(class_there, dumps(serialized{three, {1, "x"}}));
  BOOST_CHECK((class_there == serialized{three, {1, "x"}}));
  std::variant<int, fixed, cell_grid> either = cell_grid({1, 2});
  loads_into(either, dumps(std::variant<int, fixed, cell_grid>(fixed{1, "x"})));
  BOOST_CHECK((std::get<fixed>(either) == fixed{1, "x"}));
  fixed alone{1, "old"};
  loads_into(alone, dumps(fixed{1, "new"}));
  BOOST_TEST(alone.text == "new");
}

BOOST_AUTO_TEST_CASE(a_cycle_through_an_object_with_such_parts_is_kept) {
  const auto sent = std::make_shared<knot>(knot{three, nullptr});
  sent->next = sent;
  const auto arrived = loads<std::shared_ptr<knot>>(dumps(sent));
  BOOST_CHECK(arrived->next == arrived);
  BOOST_CHECK(arrived->cells == three);
  arrived->next.reset();
  sent->next.reset();
}

BOOST_AUTO_TEST_CASE(a_container_with_a_function_of_its_own_is_read_into_and_keeps_it) {
  using ordered = std::set<int, bool (*)(int, int)>;
  ordered sent(&more);
  sent.insert({1, 2, 3});
  ordered there(&more);
  there.insert(9);
  loads_into(there, dumps(sent));
  BOOST_TEST(std::vector<int>(there.begin(), there.end()) == (std::vector<int>{3, 2, 1}),
             boost::test_tools::per_element());
  using waiting = std::priority_queue<int, std::vector<int>, std::function<bool(int, int)>>;
  waiting queue(more);
  queue.push(2);
  queue.push(1);
  waiting queue_there(more);
  loads_into(queue_there, dumps(queue));
  BOOST_TEST(queue_there.top() == 1);
}

BOOST_AUTO_TEST_CASE(a_container_with_a_null_function_is_not_read_into) {
  using ordered = std::set<int, bool (*)(int, int)>;
  ordered sent(&more);
  sent.insert({1, 2});
  ordered there;
  CHECK_THROWS_SAYING(archive_error, "null function", loads_into(there, dumps(sent)));
  using hashed = std::unordered_set<int, std::function<std::size_t(int)>>;
  hashed hashed_there;
  CHECK_THROWS_SAYING(archive_error, "null function",
                      loads_into(hashed_there, dumps(hashed(8, [](int n) { return std::size_t(n); }))));
}

BOOST_AUTO_TEST_SUITE_END()
