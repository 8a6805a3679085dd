// SPDX-License-Identifier: BSL-1.0
// Names of types: another one for another type, the same from every compiler, and readable.
#include <ferry/any_object.hpp>
#include <ferry/queue.hpp>
#include <ferry/shared_value.hpp>

#include "namesakes.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <vector>

namespace names {

template <class T>
struct outer {
  template <class U>
  struct inner {
    T t{};
    U u{};
    template <int N>
    struct innermost {
      U u{};
    };
  };
  struct plain {
    int x = 0;
  };
  enum class choice { one };
};
template <auto Value>
struct of_value {
  int x = 0;
};
template <class T, std::size_t N>
struct grid {
  T x{};
};
template <class Compare>
struct sorted {
  int x = 0;
};
template <class T>
struct id {
  int number = 0;
};
struct tag;
enum class colour { red, green };
struct pair_of_numbers {
  int a, b;
};
inline int global = 0;

template <class T>
auto local_of(T) {
  struct local {
    int x = 0;
  };
  return local{};
}
inline auto first_local() {
  struct local {
    int x = 0;
  };
  return local{};
}
inline auto second_local() {
  struct local {
    float x = 0;
  };
  return local{};
}
inline auto lambda() {
  return [](int) {};
}

[[maybe_unused]] static struct { int x = 0; } without_name;

namespace {
struct hidden {
  int x = 0;
};
}  // namespace

}  // namespace names

using namespace ferry;
using namespace ferry::test;
using namespace names;

namespace {

template <class T>
std::string name_of() {
  return detail::type_name_of<T>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(names_of_types)

BOOST_AUTO_TEST_CASE(a_template_within_a_template_has_a_name_that_says_it_all) {
  BOOST_TEST((name_of<outer<int>::inner<double>>()) == "names::outer<i32>::inner<f64>");
  BOOST_TEST((name_of<outer<std::string>::inner<std::vector<int>>>()) ==
             "names::outer<string>::inner<std::vector<i32>>");
  BOOST_TEST((name_of<outer<int>::inner<double>::innermost<3>>()) ==
             "names::outer<i32>::inner<f64>::innermost<3>");
  BOOST_TEST(
      (name_of<outer<std::map<std::string, long>>::plain>() == "names::outer<std::map<string,i64>>::plain"));
  BOOST_TEST(name_of<outer<int>::choice>() == "names::outer<i32>::choice");
  using one = outer<float>::inner<double>;
  using other = outer<int>::inner<double>;
  BOOST_CHECK_THROW(loads<one>(dumps(other{})), type_mismatch);
  BOOST_CHECK_THROW(loads<outer<float>::plain>(dumps(outer<int>::plain{})), type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_dispatcher_tells_templates_within_templates_apart) {
  int ones = 0, others = 0;
  dispatcher on;
  on.type<outer<float>::inner<double>>([&](const auto&) { ++ones; });
  on.type<outer<int>::inner<double>>([&](const auto&) { ++others; });
  on(dumps(outer<int>::inner<double>{}));
  BOOST_TEST(ones == 0);
  BOOST_TEST(others == 1);
}

BOOST_AUTO_TEST_CASE(values_as_template_arguments_are_in_the_name_with_their_types) {
  BOOST_TEST(name_of<of_value<1>>() == "names::of_value<1>");
  BOOST_TEST(name_of<of_value<1U>>() == "names::of_value<1u>");
  BOOST_TEST(name_of<of_value<'a'>>() == "names::of_value<(char)97>");
  BOOST_TEST(name_of<of_value<true>>() == "names::of_value<true>");
  BOOST_TEST(name_of<of_value<colour::green>>() == "names::of_value<(names::colour)1>");
  BOOST_TEST(name_of<of_value<&global>>() == "names::of_value<&names::global>");
  BOOST_TEST((name_of<grid<float, 3>>() == "names::grid<f32,3ul>"));
  const std::set<std::string> different{name_of<of_value<1>>(),
                                        name_of<of_value<1L>>(),
                                        name_of<of_value<1U>>(),
                                        name_of<of_value<'\1'>>(),
                                        name_of<of_value<true>>(),
                                        name_of<of_value<colour::green>>(),
                                        name_of<of_value<nullptr>>(),
                                        name_of<of_value<pair_of_numbers{1, 2}>>(),
                                        name_of<of_value<pair_of_numbers{1, 3}>>()};
  BOOST_TEST(different.size() == 9U);
}

BOOST_AUTO_TEST_CASE(comparisons_and_the_like_are_in_the_names_of_templates_of_ones_own) {
  BOOST_TEST(name_of<sorted<std::less<int>>>() == "names::sorted<std::less<i32>>");
  BOOST_CHECK_THROW(loads<sorted<std::greater<int>>>(dumps(sorted<std::less<int>>{})), type_mismatch);
  BOOST_CHECK_THROW(loads<sorted<std::equal_to<int>>>(dumps(sorted<std::hash<int>>{})), type_mismatch);
  BOOST_CHECK_THROW(loads<sorted<std::allocator<int>>>(dumps(sorted<std::allocator<char>>{})), type_mismatch);
  BOOST_CHECK_THROW(loads<id<const int>>(dumps(id<int>{})), type_mismatch);
}

BOOST_AUTO_TEST_CASE(arguments_may_be_types_of_which_nothing_is_known) {
  BOOST_TEST(name_of<id<tag>>() == "names::id<names::tag>");
  BOOST_TEST(name_of<id<void>>() == "names::id<void>");
  BOOST_TEST(name_of<id<int&>>() == "names::id<i32&>");
  BOOST_TEST(crossed(id<tag>{7}).number == 7);
}

BOOST_AUTO_TEST_CASE(allocators_are_in_no_name_of_a_standard_container) {
  BOOST_TEST((name_of<std::pmr::vector<std::pmr::string>>() == "std::vector<string>"));
  BOOST_TEST((name_of<std::pmr::map<int, int>>() == "std::map<i32,i32>"));
  const auto words = loads<std::vector<std::string>>(dumps(std::pmr::vector<std::pmr::string>{"x"}));
  BOOST_TEST(words.at(0) == "x");
  const auto back = loads<std::pmr::vector<std::pmr::string>>(dumps(std::vector<std::string>{"y"}));
  BOOST_TEST(back.at(0) == "y");
}

BOOST_AUTO_TEST_CASE(local_types_are_named_after_their_functions) {
  BOOST_TEST(name_of<decltype(first_local())>() == "names::first_local()::local");
  BOOST_TEST(name_of<decltype(local_of(1))>() == "names::local_of<i32>(i32)::local");
  using one = decltype(first_local());
  BOOST_CHECK_THROW(loads<decltype(second_local())>(dumps(one{})), type_mismatch);
  BOOST_CHECK_THROW(loads<decltype(local_of(1.0))>(dumps(local_of(1))), type_mismatch);
  BOOST_TEST(crossed(one{5}).x == 5);

  std::string in_one_block;
  {
    struct here {};
    in_one_block = name_of<here>();
  }
  struct here {};
  BOOST_TEST(name_of<here>() != in_one_block);
}

/// Both have the types of one name, in blocks of one function.
template <class Look>
void look_at_both(const Look& look) {
  {
    struct here {
      struct inner {};
    };
    look(std::type_identity<here>(), std::type_identity<typename here::inner>());
  }
  struct here {
    struct inner {};
  };
  look(std::type_identity<here>(), std::type_identity<typename here::inner>());
}

BOOST_AUTO_TEST_CASE(types_made_of_local_types_of_one_name_have_names_of_their_own) {
  std::set<std::string> seen;
  std::size_t looked_at = 0;
  look_at_both([&]<class Here, class Inner>(std::type_identity<Here>, std::type_identity<Inner>) {
    for (const std::string& name :
         {name_of<Here>(), name_of<Inner>(), name_of<id<Here>>(), name_of<grid<Here, 3>>(),
          name_of<typename outer<Here>::plain>(), name_of<typename outer<int>::template inner<Here>>(),
          name_of<typename outer<Here>::template inner<int>>(), name_of<id<void(Here)>>()}) {
      seen.insert(name);
      ++looked_at;
    }
  });
  BOOST_TEST(seen.size() == looked_at);
}

BOOST_AUTO_TEST_CASE(local_types_of_one_name_are_told_apart_however_many_there_are) {
  std::set<std::string> seen;
#define FERRY_TEST_LOCAL              \
  {                                   \
    struct here {};                   \
    seen.insert(name_of<id<here>>()); \
  }
#define FERRY_TEST_FOUR FERRY_TEST_LOCAL FERRY_TEST_LOCAL FERRY_TEST_LOCAL FERRY_TEST_LOCAL
  FERRY_TEST_FOUR FERRY_TEST_FOUR FERRY_TEST_FOUR FERRY_TEST_FOUR
#undef FERRY_TEST_FOUR
#undef FERRY_TEST_LOCAL
      BOOST_TEST(seen.size() == 16U);
}

BOOST_AUTO_TEST_CASE(lambdas_have_names_of_their_own) {
  BOOST_TEST(name_of<id<decltype(lambda())>>() == "names::id<names::lambda()::{lambda(i32)#1}>");
}

BOOST_AUTO_TEST_CASE(types_that_no_other_file_can_name_are_named_after_their_file) {
  BOOST_TEST(contains(name_of<hidden>(), ")::hidden"));
  BOOST_TEST(!contains(name_of<hidden>(), "anonymous"));
  BOOST_TEST(!contains(name_of<hidden>(), "/"));
  BOOST_TEST(contains(name_of<decltype(without_name)>(), ")::"));
  BOOST_TEST(crossed(hidden{3}).x == 3);
  BOOST_CHECK_THROW(read_as_namesake(dumps_namesake()), type_mismatch);
}

BOOST_AUTO_TEST_CASE(live_objects_are_named_after_what_they_hold) {
  BOOST_TEST((name_of<queue<std::vector<int>>>() == "ferry.queue<std::vector<i32>>"));
  BOOST_TEST((name_of<queue<outer<int>::inner<double>>>() == "ferry.queue<names::outer<i32>::inner<f64>>"));
  BOOST_TEST(name_of<shared_value<unsigned long>>() == "ferry.shared_value<u64>");
  BOOST_TEST((name_of<shared_value<std::array<int, 4>>>() == "ferry.shared_value<i32[4]>"));
}

BOOST_AUTO_TEST_CASE(names_of_what_is_often_sent_are_short) {
  BOOST_TEST((name_of<std::map<std::string, std::vector<double>>>() == "std::map<string,std::vector<f64>>"));
  BOOST_TEST((name_of<grid<std::array<std::string, 2>, 3>>() == "names::grid<string[2],3ul>"));
  BOOST_TEST(name_of<std::chrono::milliseconds>() == "std::chrono::duration<i64,std::ratio<1l,1000l>>");
  BOOST_TEST(name_of<std::shared_ptr<const pair_of_numbers>>() == "std::shared_ptr<names::pair_of_numbers>");
}

BOOST_AUTO_TEST_SUITE_END()
