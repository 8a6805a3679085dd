// SPDX-License-Identifier: BSL-1.0
// boost::shared_ptr, weak_ptr, scoped_ptr and intrusive_ptr.
#include "round_trip.hpp"

#include <boost/enable_shared_from_this.hpp>
#include <boost/intrusive_ptr.hpp>
#include <boost/make_shared.hpp>
#include <boost/scoped_ptr.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/weak_ptr.hpp>

using namespace ferry;
using namespace ferry::test;

namespace boost_smart_pointers {

struct node : boost::enable_shared_from_this<node> {
  int value = 0;
  boost::shared_ptr<node> next;
  boost::weak_ptr<node> back;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value& next& back;
  }
};

struct counted : boost::intrusive_ref_counter<counted> {
  counted() { ++alive; }
  virtual ~counted() { --alive; }
  int number = 0;
  boost::intrusive_ptr<counted> self;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number& self;
  }
  static int alive;
};
int counted::alive = 0;
struct counted_more : counted {
  int more = 5;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::base_object<counted>(*this) & more;
  }
};

struct scoped {
  boost::scoped_ptr<counted> owned;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& owned;
  }
};

/// A message that says of one object that it counts its pointers, and that others count them.
struct both_kinds {
  std::shared_ptr<counted> outside;
  boost::intrusive_ptr<counted> inside;
  bool inside_first = false;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& inside_first;
    if (inside_first) archive& inside;
    archive& outside;
    if (!inside_first) archive& inside;
  }
};

}  // namespace boost_smart_pointers

BOOST_AUTO_TEST_SUITE(boost_smart_pointers)

BOOST_AUTO_TEST_CASE(an_object_is_not_owned_by_pointers_that_count_in_two_ways) {
  for (const bool inside_first : {false, true}) {
    both_kinds sent;
    sent.inside_first = inside_first;
    sent.inside = new counted;
    std::shared_ptr<counted> unowned(sent.inside.get(), [](counted*) {});
    sent.outside = unowned;
    CHECK_THROWS_SAYING(archive_error, "counts the pointers to it itself", loads<both_kinds>(dumps(sent)));
  }
  BOOST_TEST(counted::alive == 0);
}

BOOST_AUTO_TEST_CASE(shared_and_weak_pointers_of_boost_keep_identity_and_count_together) {
  const auto sent = boost::make_shared<node>();
  sent->value = 7;
  sent->next = boost::make_shared<node>();
  sent->next->back = sent;
  sent->next->next = sent;
  auto got = crossed(sent);
  sent->next->next.reset();
  BOOST_TEST(got->value == 7);
  BOOST_TEST((got->next->next == got));
  BOOST_TEST((got->next->back.lock() == got));
  BOOST_TEST((got->shared_from_this() == got));
  got->next->next.reset();
  const boost::weak_ptr<node> watched = got;
  BOOST_TEST(got.use_count() == 1);
  got.reset();
  BOOST_TEST(watched.expired());
  BOOST_TEST(!crossed(boost::shared_ptr<node>()));
}

BOOST_AUTO_TEST_CASE(pointers_of_boost_reach_derived_classes_by_the_table) {
  dispatch_table table;
  table.add<counted_more>("more");
  archive_options options;
  options.table = &table;
  {
    const auto sent = boost::make_shared<counted_more>();
    sent->more = 9;
    const std::pair<boost::shared_ptr<counted>, boost::shared_ptr<counted_more>> both(sent, sent);
    const auto got = crossed(both, options);
    BOOST_TEST((got.first == got.second));
    BOOST_TEST(got.second->more == 9);

    const boost::intrusive_ptr<counted_more> own(new counted_more);
    const std::pair<boost::intrusive_ptr<counted>, boost::intrusive_ptr<counted_more>> inside(own, own);
    const auto arrived = crossed(inside, options);
    BOOST_TEST((arrived.first == arrived.second));
    BOOST_TEST(arrived.first->use_count() == 2U);

    scoped one, other;
    one.owned.reset(new counted_more);
    loads_into(other, dumps(one, options), options);
    BOOST_TEST((dynamic_cast<counted_more*>(other.owned.get()) != nullptr));
    one.owned.reset();
    loads_into(other, dumps(one, options), options);
    BOOST_TEST(!other.owned);
  }
  BOOST_TEST(counted::alive == 0);
}

BOOST_AUTO_TEST_CASE(an_object_that_counts_its_pointers_may_point_to_itself) {
  {
    const boost::intrusive_ptr<counted> sent(new counted);
    sent->self = sent;
    const auto got = crossed(sent);
    BOOST_TEST((got->self == got));
    BOOST_TEST(got->use_count() == 2U);
    sent->self.reset();
    got->self.reset();
  }
  BOOST_TEST(counted::alive == 0);
}

BOOST_AUTO_TEST_SUITE_END()
