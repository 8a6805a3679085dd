// SPDX-License-Identifier: BSL-1.0
// Classes that BOOST_CLASS_EXPORT or register_type names, without an entry of one's own.
#include <ferry/boost_export.hpp>

#include "round_trip.hpp"

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/test/unit_test.hpp>

using namespace ferry;
using namespace ferry::test;

namespace boost_export {

struct shape {
  shape() = default;
  shape(const shape&) = delete;
  shape& operator=(const shape&) = delete;
  virtual ~shape() = default;
  virtual int corners() const = 0;
  int label = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& label;
  }
};
template <int Corners>
struct polygon : shape {
  int corners() const override { return Corners; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::base_object<shape>(*this);
  }
};
using triangle = polygon<3>;
using square = polygon<4>;
using pentagon = polygon<5>;

struct unknown : shape {
  int corners() const override { return 0; }
};

/// Registers what it points to with the archive.
struct scene {
  std::unique_ptr<shape> one;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive.template register_type<pentagon>();
    archive.register_type(static_cast<shape*>(nullptr));
    archive& one;
  }
};

}  // namespace boost_export

BOOST_CLASS_EXPORT(boost_export::triangle)
BOOST_CLASS_EXPORT_KEY2(boost_export::square, "square")
BOOST_CLASS_EXPORT_IMPLEMENT(boost_export::square)

BOOST_AUTO_TEST_SUITE(boost_export)

BOOST_AUTO_TEST_CASE(a_class_that_is_neither_exported_nor_registered_is_refused_by_name) {
  BOOST_CHECK_THROW(dumps(std::unique_ptr<shape>(std::make_unique<unknown>())), name_error);
  BOOST_CHECK_THROW(dumps(std::unique_ptr<shape>(std::make_unique<pentagon>())), name_error);
}

BOOST_AUTO_TEST_CASE(an_exported_class_has_one_name_in_the_global_table) {
  BOOST_CHECK_THROW(dispatch_table::global().add<square>("another"), name_error);
  ferry::detail::insert_exported(std::make_unique<ferry::detail::naming_entry<square>>("square"));
  BOOST_CHECK_THROW(
      ferry::detail::insert_exported(std::make_unique<ferry::detail::naming_entry<pentagon>>("square")),
      name_error);
}

BOOST_AUTO_TEST_CASE(exported_classes_cross_behind_their_bases_under_their_keys) {
  BOOST_TEST(dispatch_table::global().contains("boost_export::triangle"));
  BOOST_TEST(dispatch_table::global().contains("square"));
  std::vector<std::shared_ptr<shape>> sent{std::make_shared<triangle>(), std::make_shared<square>()};
  sent[1]->label = 7;
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived.at(0)->corners() == 3);
  BOOST_TEST(arrived.at(1)->corners() == 4);
  BOOST_TEST(arrived.at(1)->label == 7);
}

BOOST_AUTO_TEST_CASE(a_class_registered_with_the_archive_crosses_in_it_alone) {
  scene sent;
  sent.one = std::make_unique<pentagon>();
  BOOST_TEST(crossed(sent).one->corners() == 5);
  BOOST_TEST(!dispatch_table::global().contains(ferry::detail::identity_of<pentagon>().name));
}

BOOST_AUTO_TEST_SUITE_END()
