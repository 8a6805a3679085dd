// SPDX-License-Identifier: BSL-1.0
// What a type is made of goes along with a message: a class that has changed since is found out, and the
// error says which member.
#include <ferry/any_object.hpp>
#include <ferry/detail/pool/job.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/fn.hpp>
#include <ferry/queue.hpp>
#include <ferry/tracking_archive.hpp>

#include "round_trip.hpp"

#include <boost/serialization/version.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// Two versions of one program, whose classes have the same names.
namespace v1 {
enum class colour : std::uint8_t { red };
struct customer {
  std::string name;
  int number = 0;
};
struct order {
  int id = 0;
  double price = 0;
  std::string who;
};
struct basket {
  std::vector<customer> customers;
  std::optional<order> last;
};
struct painted {
  colour hue{};
  int x = 0;
};
struct longer {
  int a = 0, b = 0, c = 0;
};
struct reduced {
  int a = 0;
};
struct tree {
  int value = 0;
  std::vector<tree> children;
};
struct shape {
  virtual ~shape() = default;
};
struct circle : shape {
  double radius = 0;
};
struct moved_to_serialize {
  int a = 1;
};
struct wide {
  std::array<int, 2> first;
  std::map<std::string, std::pair<int, order>> orders;
  std::variant<int, customer> either;
};
struct failure : std::runtime_error {
  int code = 7;
  failure() : std::runtime_error("failed") {}
};
}  // namespace v1
namespace v2 {
enum class colour : std::uint32_t { red };
struct customer {
  std::string name;
  long number = 0;
};
struct order {
  int id = 0;
  long price = 0;
  std::string who;
};
struct basket {
  std::vector<customer> customers;
  std::optional<order> last;
};
struct painted {
  colour hue{};
  int x = 0;
};
struct longer {
  int a = 0, b = 0, c = 0, d = 0;
};
struct reduced {
  float a = 0;
};
struct tree {
  float value = 0;
  std::vector<tree> children;
};
struct shape {
  virtual ~shape() = default;
};
struct circle : shape {
  std::int64_t radius = 0;
};
struct moved_to_serialize {
  int a = 1;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& a;
  }
};
struct wide {
  std::array<int, 2> first;
  std::map<std::string, std::pair<int, order>> orders;
  std::variant<int, customer> either;
};
struct failure : std::runtime_error {
  float code = 7;
  failure() : std::runtime_error("failed") {}
};
}  // namespace v2

namespace ferry::detail {
#define SAME_NAME(type)                                      \
  template <>                                                \
  struct type_namer<v1::type> {                              \
    static void append(std::string& name) { name += #type; } \
  };                                                         \
  template <>                                                \
  struct type_namer<v2::type> : type_namer<v1::type> {};
SAME_NAME(colour)
SAME_NAME(customer)
SAME_NAME(order)
SAME_NAME(basket)
SAME_NAME(painted)
SAME_NAME(longer)
SAME_NAME(tree)
SAME_NAME(circle)
SAME_NAME(shape)
SAME_NAME(moved_to_serialize)
SAME_NAME(wide)
SAME_NAME(failure)
#undef SAME_NAME
}  // namespace ferry::detail

template <>
struct ferry::reducer<v1::reduced> {
  static constexpr std::string_view name = "reduced";
  static auto reduce(const v1::reduced& r) { return std::tuple(r.a); }
  static v1::reduced rebuild(int a) { return {a}; }
};
template <>
struct ferry::reducer<v2::reduced> {
  static constexpr std::string_view name = "reduced";
  static auto reduce(const v2::reduced& r) { return std::tuple(r.a); }
  static v2::reduced rebuild(float a) { return {a}; }
};

using namespace ferry;
using namespace ferry::test;

namespace {

archive_options with(const dispatch_table& table) {
  archive_options options;
  options.mode = transfer::duplicate;
  options.table = &table;
  return options;
}
archive_options any_time() {
  archive_options options;
  options.mode = transfer::duplicate;
  return options;
}

template <class To, class From>
void refused(const From& sent, const std::string& why) {
  CHECK_THROWS_SAYING(type_mismatch, why, loads<To>(dumps(sent, any_time()), any_time()));
}

double price_of(v1::order what, int pieces) {
  return what.price * pieces;
}

/// A class of so many members that a message cannot tell all of them.
template <class Last>
struct many {
  std::string a0, a1, a2, a3, a4, a5, a6, a7, a8, a9;
  Last last{};
};
template <class Last>
struct very_many {
  many<many<many<many<many<many<many<many<many<many<many<many<Last>>>>>>>>>>>> all;
};

}  // namespace

template <class Last>
struct ferry::detail::type_namer<very_many<Last>> {
  static void append(std::string& name) { name += "very_many"; }
};
template <class Last>
struct ferry::detail::type_namer<many<Last>> {
  static void append(std::string& name) { name += "many_" + std::to_string(sizeof(many<Last>)); }
};

BOOST_AUTO_TEST_SUITE(members_of_types)

BOOST_AUTO_TEST_CASE(a_changed_member_is_named_with_both_types) {
  refused<v2::order>(v1::order{1, 2.5, "x"},
                     "'order' in the message has other members than 'order' here: "
                     "member 2 is f64 in the message, i64 here");
  refused<v1::order>(v2::order{1, 2, "x"}, "member 2 is i64 in the message, f64 here");
}

BOOST_AUTO_TEST_CASE(a_changed_member_is_found_wherever_the_class_is) {
  const std::string why = "'order' in it: member 2 is f64 in the message, i64 here";
  refused<std::vector<v2::order>>(std::vector<v1::order>{}, why);
  refused<std::optional<v2::order>>(std::optional<v1::order>(), why);
  refused<std::map<int, v2::order>>(std::map<int, v1::order>{}, why);
  refused<std::pair<int, v2::order>>(std::pair<int, v1::order>{}, why);
  refused<std::tuple<int, v2::order>>(std::tuple<int, v1::order>{}, why);
  refused<std::variant<int, v2::order>>(std::variant<int, v1::order>{}, why);
  refused<std::array<v2::order, 2>>(std::array<v1::order, 2>{}, why);
  refused<std::unique_ptr<v2::order>>(std::unique_ptr<v1::order>(), why);
  refused<std::shared_ptr<v2::order>>(std::shared_ptr<v1::order>(), why);
  refused<v2::basket>(v1::basket{}, "'customer' in it: member 2 is i32 in the message, i64 here");
  refused<v2::wide>(v1::wide{}, "'order' in it: member 2");
  refused<v2::tree>(v1::tree{}, "member 1 is i32 in the message, f32 here");
}

BOOST_AUTO_TEST_CASE(a_member_more_is_told_with_both_counts) {
  refused<v2::longer>(v1::longer{}, "there are 3 members in the message, 4 here");
  refused<v1::longer>(v2::longer{}, "there are 4 members in the message, 3 here");
}

BOOST_AUTO_TEST_CASE(the_number_behind_an_enumeration_is_one_of_its_members) {
  refused<v2::colour>(v1::colour::red, "the enumeration is u8 in the message, u32 here");
  refused<v2::painted>(v1::painted{}, "'colour' in it: the enumeration is u8 in the message, u32 here");
}

BOOST_AUTO_TEST_CASE(arguments_that_a_reducer_gives_are_compared) {
  refused<v2::reduced>(v1::reduced{1}, "argument 1 is i32 in the message, f32 here");
  refused<std::vector<v2::reduced>>(std::vector<v1::reduced>(1),
                                    "'reduced' in it: argument 1 is i32 in the message, f32 here");
}

BOOST_AUTO_TEST_CASE(a_queue_of_another_version_of_a_class_is_refused_when_it_arrives) {
  refused<queue<v2::order>>(queue<v1::order>(), "'order' in it: member 2 is f64 in the message, i64 here");
}

BOOST_AUTO_TEST_CASE(a_class_with_its_own_serialize_tells_nothing_of_its_members) {
  BOOST_TEST(loads<v2::moved_to_serialize>(dumps(v1::moved_to_serialize{5})).a == 5);
  BOOST_TEST(detail::identity_of<v2::moved_to_serialize>().members == "");
}

BOOST_AUTO_TEST_CASE(members_of_values_read_dynamically_are_compared_too) {
  dispatch_table there, here;
  there.add<v1::order>("the.order");
  here.add<v2::order>("the.order");
  const auto sent = [&] { return dumps(v1::order{1, 2.5, "x"}, with(there)); };
  const std::string why = "member 2 is f64 in the message, i64 here";
  CHECK_THROWS_SAYING(type_mismatch, why, loads_any(sent(), with(here)));
  CHECK_THROWS_SAYING(type_mismatch, why, loads<v2::order>(sent(), with(here)));
  dispatcher on(with(here));
  on.type<v2::order>([](const v2::order&) {});
  CHECK_THROWS_SAYING(type_mismatch, why, on(sent()));
  BOOST_TEST(loads_any(sent(), with(there)).get<v1::order>().price == 2.5);
}

BOOST_AUTO_TEST_CASE(arguments_that_an_entry_gives_are_compared_behind_pointers_and_in_exceptions) {
  dispatch_table there, here;
  there.add<v1::circle>(
      "circle", [](const v1::circle& c) { return std::tuple(c.radius); },
      [](double) { return v1::circle(); });
  here.add<v2::circle>(
      "circle", [](const v2::circle& c) { return std::tuple(c.radius); },
      [](std::int64_t) { return v2::circle(); });
  const std::unique_ptr<v1::shape> sent = std::make_unique<v1::circle>();
  CHECK_THROWS_SAYING(type_mismatch, "argument 1 is f64 in the message, i64 here",
                      loads<std::unique_ptr<v2::shape>>(dumps(sent, with(there)), with(here)));
  BOOST_TEST(loads<std::unique_ptr<v1::shape>>(dumps(sent, with(there)), with(there)) != nullptr);

  there.add<v1::failure>(
      "failure", [](const v1::failure& f) { return std::tuple(f.code); }, [](int) { return v1::failure(); });
  here.add<v2::failure>(
      "failure", [](const v2::failure& f) { return std::tuple(f.code); },
      [](float) { return v2::failure(); });
  const auto thrown = std::make_exception_ptr(v1::failure());
  BOOST_CHECK_THROW(std::rethrow_exception(loads<std::exception_ptr>(dumps(thrown, with(there)), with(here))),
                    remote_error);
  BOOST_CHECK_THROW(
      std::rethrow_exception(loads<std::exception_ptr>(dumps(thrown, with(there)), with(there))),
      v1::failure);
}

BOOST_AUTO_TEST_CASE(members_of_a_type_that_crosses_in_another_way_do_not_matter) {
  dispatch_table there, here;
  there.add<v1::order>(
      "order", [](const v1::order& o) { return std::tuple(o.id); },
      [](int id) {
        return v1::order{id, 0, ""};
      });
  here.add<v2::order>(
      "order", [](const v2::order& o) { return std::tuple(o.id); },
      [](int id) {
        return v2::order{id, 0, ""};
      });
  BOOST_TEST(loads<v2::order>(dumps(v1::order{7, 2.5, "x"}, with(there)), with(here)).id == 7);
  BOOST_TEST(
      loads<std::vector<v2::order>>(dumps(std::vector<v1::order>(1), with(there)), with(here)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(arguments_and_result_of_a_callable_are_compared_when_it_is_called) {
  using detail::parameters;
  const detail::callable& job =
      detail::job_entry<fn_t<&price_of>, detail::no_state, parameters<v1::order, int>>::entry;
  BOOST_TEST(job.members() == "=(order,i32,-> f64);order={i32,f64,string}");
  job.check_members(job.members());
  CHECK_THROWS_SAYING(type_mismatch, "the result is f32 in the message, f64 here",
                      job.check_members("=(order,i32,-> f32);order={i32,f64,string}"));
  CHECK_THROWS_SAYING(type_mismatch, "'order' in it: member 2 is i64 in the message, f64 here",
                      job.check_members("=(order,i32,-> f64);order={i32,i64,string}"));
  const detail::callable& call = detail::entry_of<fn_t<&price_of>, parameters<v1::order, int>>::entry;
  BOOST_TEST(call.members() == "=(order,i32);order={i32,f64,string}");
  CHECK_THROWS_SAYING(type_mismatch, "argument 2 is i64 in the message, i32 here",
                      call.check_members("=(order,i64);order={i32,f64,string}"));
}

BOOST_AUTO_TEST_CASE(tracking_archives_compare_members_too) {
  CHECK_THROWS_SAYING(type_mismatch, "member 2 is f64 in the message, i64 here",
                      loads_tracked<v2::order>(dumps_tracked(v1::order())));
}

BOOST_AUTO_TEST_CASE(members_past_what_a_message_tells_are_compared_all_the_same) {
  using one = very_many<int>;
  using other = very_many<float>;
  BOOST_REQUIRE(detail::identity_of<one>().label.is_cut);
  BOOST_TEST(loads<one>(dumps(one())).all.a0.empty());
  refused<other>(one(), "one of the last members is another one here");
}

BOOST_AUTO_TEST_CASE(a_message_costs_nothing_more_where_there_are_no_members_to_tell) {
  BOOST_TEST(detail::identity_of<std::vector<std::string>>().members == "");
  BOOST_TEST((detail::identity_of<std::map<std::string, std::tuple<int, double>>>().members == ""));
  BOOST_TEST(detail::identity_of<v1::order>().members == "={i32,f64,string}");
  BOOST_TEST(detail::identity_of<v1::tree>().members == "={i32,std::vector<^>}");
  BOOST_TEST(detail::identity_of<v1::painted>().members == "={colour,i32};colour=:u8");
}

BOOST_AUTO_TEST_CASE(members_that_make_no_sense_are_an_error) {
  auto bytes = bytes_of(v1::order{});
  const std::string text = "={i32,f64,string}";
  const auto place = std::search(bytes.begin(), bytes.end(), reinterpret_cast<const std::byte*>(text.data()),
                                 reinterpret_cast<const std::byte*>(text.data()) + text.size());
  BOOST_REQUIRE(place != bytes.end());
  place[1] = std::byte{'<'};
  CHECK_THROWS_SAYING(archive_error, "hash of the type's name", loads<v1::order>(bytes));
  for (const char* const wrong :
       {"", "=", ";", ";;;", "={", "={,", "=:", "x", "={}}}}", "=((((", "={i32", "<<"})
    static_cast<void>(detail::difference_of_members(wrong, detail::identity_of<v1::order>(), 0, true));
}

BOOST_AUTO_TEST_SUITE_END()
