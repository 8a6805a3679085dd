// SPDX-License-Identifier: BSL-1.0
// What Boost's manual promises of every archive: wrappers in wrappers, levels, sizes that count nothing,
// helpers.
#include "round_trip.hpp"

#include <boost/flyweight.hpp>
#include <boost/flyweight/serialize.hpp>
#include <boost/numeric/ublas/matrix_sparse.hpp>
#include <boost/numeric/ublas/vector.hpp>
#include <boost/numeric/ublas/vector_sparse.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/strong_typedef.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <utility>
#include <valarray>

using namespace ferry;
using namespace ferry::test;

namespace boost_concept {

/// A wrapper of a user's own: a number written backwards.
class reversed : public boost::serialization::wrapper_traits<reversed> {
 public:
  explicit reversed(int& number) : number_(number) {}
  template <class Archive>
  void save(Archive& archive, unsigned) const {
    const int negative = -number_;
    archive << negative;
  }
  template <class Archive>
  void load(Archive& archive, unsigned) {
    archive >> number_;
    number_ = -number_;
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()

 private:
  int& number_;
};

struct wrapped {
  int pixels[4] = {}, block[2] = {}, number = 0, other = 0, last = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    using namespace boost::serialization;
    archive& make_nvp("pixels", make_array(pixels, 4));
    archive& make_nvp("block", make_binary_object(block, sizeof block));
    archive& make_nvp("outer", make_nvp("inner", number));
    const reversed one(other), another(last);
    archive& make_nvp("reversed", one);
    archive& another;
  }
};

/// Writes a size where it reads the version of an item.
struct large_version {
  std::size_t written = 0;
  unsigned read = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    using namespace boost::serialization;
    if constexpr (Archive::is_saving::value) {
      const collection_size_type size(written);
      archive& size;
    } else {
      item_version_type version(0);
      archive& version;
      read = std::as_const(version);
    }
  }
};

BOOST_STRONG_TYPEDEF(int, metres)

/// One private number: bytes, whatever its serialize would say.
class token {
 public:
  token() = default;
  explicit token(int n) : number_(n) {}
  bool operator==(const token&) const = default;
  template <class Archive>
  void serialize(Archive&, unsigned) {
    BOOST_ERROR("serialize is called for a class that is marked as primitive");
  }

 private:
  int number_ = 0;
};
struct no_default {
  explicit no_default(int n) : number(n) {}
  int number;
  bool operator==(const no_default&) const = default;
};
struct nothing_in_it {};

/// Versions and tracking of it are not in the archive, as its level says.
struct plain_level {
  int number = 0;
  bool operator==(const plain_level&) const = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number;
  }
};

struct sparse {
  std::size_t size = 0;
  std::map<int, double> set;
  bool operator==(const sparse&) const = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    boost::serialization::collection_size_type count(size);
    archive& count;
    size = static_cast<const boost::serialization::collection_size_type&>(count);
    archive& set;
  }
};

struct person {
  boost::flyweight<std::string> name;
  boost::flyweight<int> number;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& number;
  }
};

struct numbering {
  int last = 0;
};
struct numbered {
  int first = 0, second = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    static int id = 0;
    first = ++archive.template get_helper<numbering>(&id).last;
    second = ++archive.template get_helper<numbering>().last;
    archive& second;
  }
};

}  // namespace boost_concept

BOOST_CLASS_IMPLEMENTATION(boost_concept::metres, boost::serialization::primitive_type)
BOOST_CLASS_IMPLEMENTATION(boost_concept::token, boost::serialization::primitive_type)
BOOST_CLASS_IMPLEMENTATION(boost_concept::no_default, boost::serialization::primitive_type)
BOOST_CLASS_IMPLEMENTATION(boost_concept::nothing_in_it, boost::serialization::primitive_type)
BOOST_CLASS_IMPLEMENTATION(boost_concept::plain_level, boost::serialization::object_serializable)

BOOST_AUTO_TEST_SUITE(boost_concept)

BOOST_AUTO_TEST_CASE(a_size_for_which_boost_makes_room_is_held_to_the_bytes_that_there_are) {
  const std::initializer_list<int> huge = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10};  // 2^60
  CHECK_THROWS_SAYING(archive_error, "does not fit into",
                      loads<std::valarray<double>>(with_body(std::valarray<double>(), huge)));
  using dense = boost::numeric::ublas::vector<double>;
  CHECK_THROWS_SAYING(archive_error, "does not fit into", loads<dense>(with_body(dense(), huge)));
  CHECK_THROWS_SAYING(archive_error, "", loads<sparse>(with_body(sparse(), huge)));
}

BOOST_AUTO_TEST_CASE(a_size_that_counts_no_bytes_crosses_whatever_it_is) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1'000'000}, std::size_t{1} << 60U}) {
    BOOST_CHECK(crosses(sparse{size, {{7, 5}}}));
    BOOST_CHECK(crosses(std::vector{sparse{size, {}}, sparse{size, {}}}));
  }
  boost::numeric::ublas::mapped_vector<double> few(1'000'000);
  few[999'999] = 5;
  const auto arrived = crossed(few);
  BOOST_TEST(arrived.size() == 1'000'000U);
  BOOST_TEST(arrived[999'999] == 5);
  boost::numeric::ublas::mapped_matrix<double> grid(100'000, 100'000);
  grid(7, 8) = 9;
  BOOST_TEST(crossed(grid)(7, 8) == 9);
  boost::numeric::ublas::zero_vector<double> zeros(50'000);
  BOOST_TEST(crossed(zeros).size() == 50'000U);
}

BOOST_AUTO_TEST_CASE(wrappers_lie_inside_one_another) {
  wrapped sent;
  sent.pixels[3] = 4;
  sent.block[1] = 5;
  sent.number = 6;
  sent.other = 7;
  sent.last = 8;
  const wrapped arrived = crossed(sent);
  BOOST_TEST(arrived.pixels[3] == 4);
  BOOST_TEST(arrived.block[1] == 5);
  BOOST_TEST(arrived.number == 6);
  BOOST_TEST(arrived.other == 7);
  BOOST_TEST(arrived.last == 8);
}

BOOST_AUTO_TEST_CASE(classes_that_are_marked_as_primitive_cross_as_their_bytes) {
  BOOST_TEST(static_cast<int>(crossed(metres(5))) == 5);
  BOOST_TEST(static_cast<int>(crossed(std::map<int, metres>{{1, metres(5)}}).at(1)) == 5);
  BOOST_CHECK(crosses(token(6)));
  BOOST_CHECK(crosses(std::vector{token(6), token(7)}));
  BOOST_CHECK(*crossed(std::make_unique<token>(8)) == token(8));
  BOOST_CHECK(crosses(no_default(9)));
  BOOST_CHECK(crosses(std::vector{no_default(9)}));
  BOOST_TEST(crossed(std::vector<nothing_in_it>(3)).size() == 3U);
  BOOST_CHECK(crosses(plain_level{4}));
}

BOOST_AUTO_TEST_CASE(a_version_of_an_item_that_is_no_version_is_refused_and_not_cut) {
  BOOST_TEST(crossed(large_version{7}).read == 7U);
  BOOST_TEST(crossed(large_version{0xffffffff}).read == 0xffffffffU);
  BOOST_CHECK_THROW(crossed(large_version{std::size_t{1} << 32U}), archive_error);
}

BOOST_AUTO_TEST_CASE(helpers_live_as_long_as_their_archive_one_for_each_type_and_id) {
  person ada;
  ada.name = "Ada";
  ada.number = 4;
  const auto arrived = crossed(std::vector<person>{ada, ada});
  BOOST_TEST((arrived.at(1).name == ada.name));
  BOOST_TEST((arrived.at(1).number == ada.number));
  const auto counted = crossed(std::vector<numbered>(3));
  BOOST_TEST(counted.at(2).first == 3);
  BOOST_TEST(counted.at(2).second == 3);
}

BOOST_AUTO_TEST_SUITE_END()
