// SPDX-License-Identifier: BSL-1.0
// With all of Boost's own serialisation headers included: standard types stay Ferry's, Boost's own types
// cross by their headers.
#include "round_trip.hpp"

// clang-format off: the headers of date_time use this one and do not include it
#include <boost/serialization/split_free.hpp>
// clang-format on

#include <boost/date_time/gregorian/greg_serialize.hpp>
#include <boost/date_time/posix_time/time_serialize.hpp>
#include <boost/dynamic_bitset.hpp>
#include <boost/dynamic_bitset/serialization.hpp>
#include <boost/numeric/ublas/vector.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/bitset.hpp>
#include <boost/serialization/boost_array.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/queue.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/stack.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/serialization/variant.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/weak_ptr.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_serialize.hpp>
#include <boost/variant/recursive_wrapper.hpp>

#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace {

/// As people write it: one of each container.
struct one_of_each {
  std::vector<int> vector{1};
  std::list<std::string> list{"a"};
  std::map<int, std::string> map{{1, "b"}};
  std::set<int> set{2};
  std::unordered_map<std::string, int> unordered{{"c", 3}};
  std::deque<double> deque{4};
  std::array<int, 2> array{5, 6};
  std::bitset<10> bits{7};
  std::complex<double> complex{8, 9};
  std::pair<int, std::string> pair{10, "d"};
  std::shared_ptr<int> shared = std::make_shared<int>(11);
  std::unique_ptr<int> exclusive = std::make_unique<int>(12);
  boost::optional<int> optional = 13;
  boost::variant<int, std::string> variant = "e";
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& vector& list& map& set& unordered& deque& array& bits& complex& pair& shared& exclusive;
    ar& boost::serialization::make_nvp("optional", optional) & variant;
  }
};

struct boost_tree;
using branch = boost::variant<int, boost::recursive_wrapper<boost_tree>>;
struct boost_tree {
  branch below;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& below;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(boost_library)

BOOST_AUTO_TEST_CASE(a_boost_variant_that_names_an_alternative_it_has_not_is_an_archive_error) {
  using variant = boost::variant<int, std::string>;
  BOOST_CHECK_THROW(loads<variant>(with_body(variant(), {9, 0, 0, 0, 0, 0, 0, 0})), archive_error);
}

BOOST_AUTO_TEST_CASE(a_count_that_the_bytes_cannot_hold_is_refused_in_boosts_own_loaders) {
  using map = boost::unordered_map<int, int>;
  CHECK_THROWS_SAYING(archive_error, "does not fit",
                      loads<map>(with_body(map(), {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10})));
  using numbers = std::valarray<double>;
  CHECK_THROWS_SAYING(
      archive_error, "does not fit",
      loads<numbers>(with_body(numbers(), {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10})));
}

BOOST_AUTO_TEST_CASE(classes_inside_one_another_by_boosts_own_types_are_counted_against_the_depth) {
  boost_tree deep;
  for (int i = 0; i != 1000; ++i) {
    boost_tree above;
    above.below = std::move(deep);
    deep = std::move(above);
  }
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth", dumps(deep));
  archive_options deeper;
  deeper.limit.depth = 5000;
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth", loads<boost_tree>(dumps(deep, deeper)));
  loads<boost_tree>(dumps(deep, deeper), deeper);
}

BOOST_AUTO_TEST_CASE(a_class_with_one_of_each_container_crosses) {
  const one_of_each sent;
  const auto arrived = crossed(sent);
  BOOST_CHECK(arrived.vector == sent.vector);
  BOOST_CHECK(arrived.list == sent.list);
  BOOST_CHECK(arrived.map == sent.map);
  BOOST_CHECK(arrived.unordered == sent.unordered);
  BOOST_CHECK(arrived.bits == sent.bits);
  BOOST_CHECK(arrived.complex == sent.complex);
  BOOST_TEST(*arrived.shared == 11);
  BOOST_TEST(*arrived.exclusive == 12);
  BOOST_TEST(arrived.optional.value() == 13);
  BOOST_CHECK(arrived.variant == sent.variant);
}

BOOST_AUTO_TEST_CASE(types_of_boost_cross_by_their_own_headers) {
  BOOST_CHECK(crosses(boost::optional<std::string>("x")));
  BOOST_CHECK(crosses(boost::optional<std::string>()));
  BOOST_CHECK((crosses(boost::variant<int, std::string>("x"))));
  BOOST_CHECK((crosses(boost::array<int, 3>{{1, 2, 3}})));
  BOOST_CHECK((crosses(boost::unordered_map<int, std::string>{{1, "a"}})));
  BOOST_CHECK((crosses(boost::unordered_set<int>{1, 2})));
  BOOST_CHECK(crosses(boost::gregorian::date(2026, 1, 2)));
  BOOST_CHECK(
      crosses(boost::posix_time::ptime(boost::gregorian::date(2026, 1, 2), boost::posix_time::hours(3))));
  BOOST_CHECK(crosses(boost::dynamic_bitset<>(70, 5)));
  BOOST_CHECK(crosses(boost::uuids::uuid{{1, 2, 3}}));
  boost::numeric::ublas::vector<double> vector(3);
  vector[2] = 1.5;
  BOOST_TEST(crossed(vector)[2] == 1.5);
  std::valarray<double> numbers{1, 2, 3};
  BOOST_TEST(crossed(numbers)[2] == 3);
}

BOOST_AUTO_TEST_CASE(shared_pointers_of_boost_cross_inside_containers_of_boost) {
  const auto one = std::make_shared<int>(1);
  boost::unordered_map<int, std::shared_ptr<int>> sent{{1, one}, {2, one}};
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived.at(1) == arrived.at(2));
}

BOOST_AUTO_TEST_SUITE_END()
