// SPDX-License-Identifier: BSL-1.0
// Dispatch tables: which way a type takes, layer over layer, and what is refused.
#include <ferry/dispatch_table.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

using namespace ferry;
using namespace ferry::test;

namespace dispatch_test {

/// Notes which way it came.
struct by_aggregate {
  std::string way;
};
struct by_boost {
  std::string way;
  by_boost(std::string w = "") : way(std::move(w)) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    std::string written = "boost";
    archive& written;
    way = written;
  }
};
struct by_reducer {
  std::string way;
  virtual ~by_reducer() = default;
  // Would serve, were there no reducer.
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& way;
  }
};
struct by_entry_alone {
  std::string way;
  explicit by_entry_alone(std::string w) : way(std::move(w)) {}
};
struct small_on_the_wire {
  double numbers[8];
};
struct base {
  virtual ~base() = default;
  std::string way = "none";
};
struct derived : base {
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& way;
  }
};
struct made_of_reduced {
  by_reducer first;
  std::vector<by_reducer> more;
};
struct never_assigned {
  const int value = 0;
};

}  // namespace dispatch_test

using namespace dispatch_test;

template <>
struct ferry::reducer<by_reducer> {
  static constexpr std::string_view name = "test.by_reducer";
  static auto reduce(const by_reducer&) { return std::tuple(std::string("reducer")); }
  static by_reducer rebuild(std::string way) {
    by_reducer made;
    made.way = std::move(way);
    return made;
  }
};
template <>
struct ferry::reducer<made_of_reduced> {
  static constexpr std::string_view name = "test.made_of_reduced";
  static auto reduce(const made_of_reduced& m) { return std::tie(m.first, m.more); }
  static made_of_reduced rebuild(by_reducer first, std::vector<by_reducer> more) {
    return {std::move(first), std::move(more)};
  }
};
template <>
inline constexpr bool ferry::registered_at_run_time<by_entry_alone> = true;

namespace {

/// Adds a way that rebuilds T with `way` as the way it came.
template <class T>
void add_way(dispatch_table& table, const std::string& name, const std::string& way) {
  table.add<T>(
      name, [way](const T&) { return std::tuple(way); },
      [](std::string came) {
        if constexpr (std::is_default_constructible_v<T>) {
          T made{};
          made.way = std::move(came);
          return made;
        } else {
          return T(std::move(came));
        }
      });
}

archive_options with(const dispatch_table& table) {
  archive_options options;
  options.table = &table;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dispatch)

BOOST_AUTO_TEST_CASE(a_second_entry_under_a_name_is_refused_and_both_are_named) {
  dispatch_table table("own table");
  table.add<by_aggregate>("taken");
  CHECK_THROWS_SAYING(
      name_error,
      "cannot add 'taken' for dispatch_test::by_boost to the own table, which has 'taken' for "
      "dispatch_test::by_aggregate",
      table.add<by_boost>("taken"));
  // What was refused is not there by its type either.
  table.add<by_boost>("free");
}

BOOST_AUTO_TEST_CASE(a_second_entry_for_a_type_is_refused_and_both_are_named) {
  dispatch_table table("own table");
  table.add<by_aggregate>("first");
  CHECK_THROWS_SAYING(
      name_error,
      "cannot add 'second' for dispatch_test::by_aggregate to the own table, which has 'first' "
      "for dispatch_test::by_aggregate",
      add_way<by_aggregate>(table, "second", "x"));
  BOOST_TEST(!table.contains("second"));
}

BOOST_AUTO_TEST_CASE(a_type_of_no_way_but_an_entry_is_refused_without_one) {
  CHECK_THROWS_SAYING(name_error, "no dispatch table in reach has an entry for dispatch_test::by_entry_alone",
                      dumps(by_entry_alone("x")));
  dispatch_table table;
  add_way<by_entry_alone>(table, "alone", "entry");
  const auto options = with(table);
  BOOST_TEST(crossed(by_entry_alone("x"), options).way == "entry");
  BOOST_TEST(crossed(std::vector{by_entry_alone("x")}, options).at(0).way == "entry");
  BOOST_TEST(crossed(std::make_unique<by_entry_alone>("x"), options)->way == "entry");
  CHECK_THROWS_SAYING(name_error, "no dispatch table in reach knows 'alone'",
                      loads<std::vector<by_entry_alone>>(dumps(std::vector{by_entry_alone("x")}, options)));
}

BOOST_AUTO_TEST_CASE(a_message_with_ways_that_the_reader_lacks_is_refused_with_what_is_missing) {
  dispatch_table writers, readers;
  add_way<by_aggregate>(writers, "own way", "writer");
  const auto bytes = bytes_of(std::vector<by_aggregate>(2), with(writers));
  CHECK_THROWS_SAYING(name_error, "no dispatch table in reach knows 'own way'",
                      loads<std::vector<by_aggregate>>(bytes));
  // The name alone is not enough; it must not be mistaken for the way.
  readers.add<by_aggregate>("own way");
  CHECK_THROWS_SAYING(name_error, "only the name", loads<std::vector<by_aggregate>>(bytes, with(readers)));
}

BOOST_AUTO_TEST_CASE(names_that_lead_back_to_themselves_end_in_an_error) {
  // All bits of the mask set, and after the name of the string nothing but references to that name.
  auto bytes = bytes_of(std::string("x"));
  const std::size_t body = body_of(bytes);
  bytes.resize(body);
  bytes[5] = std::byte{1};
  bytes.insert(bytes.begin() + 32, 8, std::byte{0xff});
  const std::string name = "string";
  const auto put = [&](int byte) { bytes.push_back(static_cast<std::byte>(byte)); };
  put(1);
  put(6);
  for (const char c : name) put(c);
  for (int i = 0; i != 1'000'000; ++i) put(2);
  const std::uint64_t size = bytes.size() - body - 8;
  std::memcpy(bytes.data() + 16, &size, sizeof size);
  BOOST_CHECK_THROW(loads<std::string>(bytes), ferry::error);
}

BOOST_AUTO_TEST_CASE(a_way_for_a_type_that_cannot_be_assigned_is_taken_where_one_can_be_made) {
  dispatch_table table;
  table.add<never_assigned>(
      "never assigned", [](const never_assigned& n) { return std::tuple(n.value); },
      [](int value) { return never_assigned{value}; });
  BOOST_TEST(crossed(never_assigned{3}, with(table)).value == 3);
  BOOST_TEST(crossed(std::make_unique<never_assigned>(never_assigned{3}), with(table))->value == 3);
  BOOST_TEST(crossed(std::list<never_assigned>{{3}}, with(table)).front().value == 3);
}

BOOST_AUTO_TEST_CASE(each_layer_overrides_the_one_below) {
  BOOST_TEST(crossed(by_aggregate{"aggregate"}).way == "aggregate");
  BOOST_TEST(crossed(by_boost("itself")).way == "boost");
  BOOST_TEST(crossed(by_reducer()).way == "reducer");

  // Three tables: an archive's over a context's over one that stands for the global one.
  dispatch_table global("global"), context("context", &global), archive("archive", &context);
  const auto all_cross_by = [&](const std::string& way) {
    BOOST_TEST(crossed(by_aggregate{"aggregate"}, with(archive)).way == way);
    BOOST_TEST(crossed(by_boost("itself"), with(archive)).way == way);
    BOOST_TEST(crossed(by_reducer(), with(archive)).way == way);
  };
  const auto add_all = [](dispatch_table& table, const std::string& way) {
    add_way<by_aggregate>(table, way + " aggregate", way);
    add_way<by_boost>(table, way + " boost", way);
    add_way<by_reducer>(table, way + " reducer", way);
  };
  add_all(global, "global");
  all_cross_by("global");
  add_all(context, "context");
  all_cross_by("context");
  add_all(archive, "archive");
  all_cross_by("archive");
  BOOST_TEST(crossed(by_aggregate{}, with(context)).way == "context");
  BOOST_TEST(crossed(by_aggregate{}, with(global)).way == "global");
}

BOOST_AUTO_TEST_CASE(an_overriding_way_is_taken_wherever_the_value_is_inside) {
  dispatch_table table;
  add_way<by_aggregate>(table, "override", "entry");
  const auto options = with(table);
  const by_aggregate value{"own"};
  BOOST_TEST(crossed(std::vector{value, value}, options).at(1).way == "entry");
  BOOST_TEST((crossed(std::map<int, by_aggregate>{{1, value}}, options).at(1).way == "entry"));
  BOOST_TEST(crossed(std::list{value}, options).front().way == "entry");
  BOOST_TEST(crossed(std::optional(value), options)->way == "entry");
  BOOST_TEST((std::get<1>(crossed(std::variant<int, by_aggregate>(value), options)).way == "entry"));
  BOOST_TEST((std::get<1>(crossed(std::tuple(1, value), options)).way == "entry"));
  BOOST_TEST((crossed(std::pair(1, value), options).second.way == "entry"));
  BOOST_TEST((crossed(std::array{value}, options)[0].way == "entry"));
  BOOST_TEST(crossed(std::make_unique<by_aggregate>(value), options)->way == "entry");
  BOOST_TEST(crossed(std::make_shared<by_aggregate>(value), options)->way == "entry");
  BOOST_TEST(crossed(value, options).way == "entry");
  // Without the table nothing has changed.
  BOOST_TEST(crossed(std::vector{value}).at(0).way == "own");
}

BOOST_AUTO_TEST_CASE(an_overriding_way_may_take_fewer_bytes_than_the_type) {
  dispatch_table table;
  table.add<small_on_the_wire>(
      "small", [](const small_on_the_wire& s) { return std::tuple(static_cast<char>(s.numbers[0])); },
      [](char first) { return small_on_the_wire{{static_cast<double>(first)}}; });
  const std::vector<small_on_the_wire> sent(100, small_on_the_wire{{7}});
  const auto arrived = crossed(sent, with(table));
  BOOST_TEST(arrived.at(99).numbers[0] == 7);
  BOOST_TEST((crossed(std::array<small_on_the_wire, 2>{{{{7}}, {{8}}}}, with(table))[1].numbers[0] == 8));
}

BOOST_AUTO_TEST_CASE(standard_types_can_be_overridden_too) {
  dispatch_table table;
  table.add<std::string>(
      "backwards", [](const std::string& s) { return std::tuple(std::vector<char>(s.rbegin(), s.rend())); },
      [](const std::vector<char>& s) { return std::string(s.begin(), s.end()); });
  BOOST_TEST(crossed(std::string("abc"), with(table)) == "cba");
  BOOST_TEST(crossed(std::vector<std::string>{"abc"}, with(table)).at(0) == "cba");
  BOOST_TEST(crossed(std::vector<int>{1, 2}, with(table)).at(1) == 2);
}

BOOST_AUTO_TEST_CASE(the_entry_of_the_dynamic_type_is_taken_behind_polymorphic_pointers) {
  dispatch_table lower("lower"), upper("upper", &lower);
  lower.add<derived>("derived");
  const std::unique_ptr<base> sent = [] {
    auto made = std::make_unique<derived>();
    made->way = "own";
    return made;
  }();
  BOOST_TEST(crossed(sent, with(lower))->way == "own");
  add_way<derived>(upper, "derived from above", "entry");
  BOOST_TEST(crossed(sent, with(upper))->way == "entry");
  const std::shared_ptr<base> shared = std::make_shared<derived>();
  BOOST_TEST(crossed(shared, with(upper))->way == "entry");
}

BOOST_AUTO_TEST_CASE(a_reducer_may_return_objects_that_have_reducers) {
  const auto arrived = crossed(made_of_reduced{{}, std::vector<by_reducer>(2)});
  BOOST_TEST(arrived.first.way == "reducer");
  BOOST_TEST(arrived.more.at(1).way == "reducer");
  dispatch_table table;
  add_way<by_reducer>(table, "inner override", "entry");
  BOOST_TEST(crossed(made_of_reduced{{}, std::vector<by_reducer>(2)}, with(table)).more.at(1).way == "entry");
}

BOOST_AUTO_TEST_CASE(a_name_given_to_a_type_is_what_the_message_says_it_holds) {
  dispatch_table table;
  table.add<by_aggregate>("my.name");
  const message named = dumps(by_aggregate{"x"}, with(table));
  const std::string text(reinterpret_cast<const char*>(named.bytes().data()), named.bytes().size());
  BOOST_TEST(contains(text, "my.name"));
  // Both names are right where both are known.
  BOOST_TEST(loads<by_aggregate>(named.bytes(), with(table)).way == "x");
  BOOST_TEST(loads<by_aggregate>(dumps(by_aggregate{"x"}), with(table)).way == "x");
  BOOST_CHECK_THROW(loads<by_aggregate>(named.bytes()), type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_table_lists_its_own_names_and_finds_those_below) {
  dispatch_table lower("lower"), upper("upper", &lower);
  lower.add<by_aggregate>("b");
  upper.add<by_boost>("c");
  upper.add<by_reducer>("a");
  BOOST_CHECK((upper.names() == std::vector<std::string>{"a", "c"}));
  BOOST_TEST(upper.contains("b"));
  BOOST_TEST(!lower.contains("a"));
  BOOST_TEST(upper.contains("std::runtime_error"));
}

template <int>
struct numbered {
  std::string way;
};
template <int... Number>
void add_numbered(dispatch_table& table, std::integer_sequence<int, Number...>) {
  (add_way<numbered<Number>>(table, "numbered " + std::to_string(Number), "entry"), ...);
}

BOOST_AUTO_TEST_CASE(entries_are_added_while_other_threads_write_and_read) {
  dispatch_table table;
  const auto options = with(table);
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0, done = 0;
  const auto use = [&] {
    while (!stop || done < 2) {
      const auto arrived = crossed(std::vector<numbered<7>>{{"own"}, {"own"}}, options);
      if (arrived.size() != 2 || (arrived[0].way != "own" && arrived[0].way != "entry")) ++wrong;
      if (arrived.size() == 2 && arrived[0].way != arrived[1].way) ++wrong;
      ++done;
    }
  };
  std::thread first(use), second(use);
  add_numbered(table, std::make_integer_sequence<int, 40>());
  stop = true;
  first.join();
  second.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(crossed(numbered<39>{"own"}, options).way == "entry");
}

BOOST_AUTO_TEST_SUITE_END()
