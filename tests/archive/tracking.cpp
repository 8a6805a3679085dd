// The tracking archives: Boost's machinery, with handles and reducers in it.
#include <ferry/shared_memory.hpp>
#include <ferry/tracking_archive.hpp>

#include "support/leaks.hpp"

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

namespace tracking {

struct node {
  int value = 0;
  node* next = nullptr;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value& next;
  }
};

struct shape {
  virtual ~shape() = default;
  std::string label;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& label;
  }
};
struct circle : shape {
  double radius = 0;
  std::optional<ferry::shared_memory> pixels;
  std::optional<int> layer;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::base_object<shape>(*this);
    archive& radius& pixels& layer;
  }
};

struct drawing {
  std::vector<shape*> shapes;
  std::map<std::string, std::shared_ptr<shape>> named;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& shapes& named;
  }
};

}  // namespace tracking

BOOST_CLASS_EXPORT(tracking::circle)

BOOST_AUTO_TEST_SUITE(tracking_archives)

BOOST_AUTO_TEST_CASE(a_truncated_tracked_message_is_refused) {
  const ferry::message whole = ferry::dumps_tracked(std::string("a longer text than fits in place"));
  for (std::size_t size = 0; size < whole.bytes().size(); ++size) {
    ferry::buffer part;
    part.append(whole.bytes().data(), size);
    BOOST_CHECK_THROW(ferry::loads_tracked<std::string>(ferry::message(std::move(part))),
                      ferry::archive_error);
  }
}

BOOST_AUTO_TEST_CASE(a_tracked_message_is_not_read_as_another_type) {
  BOOST_CHECK_THROW(ferry::loads_tracked<int>(ferry::dumps_tracked(std::string("x"))), ferry::type_mismatch);
}

BOOST_AUTO_TEST_CASE(a_cycle_of_raw_pointers_arrives_as_a_cycle) {
  tracking::node first{1}, second{2, &first};
  first.next = &second;
  tracking::node* const sent = &first;
  auto* const loaded = ferry::loads_tracked<tracking::node*>(ferry::dumps_tracked(sent));
  const std::unique_ptr<tracking::node> one(loaded), two(loaded->next);
  BOOST_TEST(one->value == 1);
  BOOST_TEST(two->value == 2);
  BOOST_TEST(two->next == one.get());
}

BOOST_AUTO_TEST_CASE(an_exported_class_crosses_behind_a_pointer_to_its_base_with_its_live_parts) {
  auto round = std::make_shared<tracking::circle>();
  round->label = "round";
  round->radius = 2.5;
  round->pixels = ferry::shared_memory(4096);
  round->layer = 7;
  const tracking::drawing sent{{round.get(), round.get()}, {{"it", round}}};
  tracking::drawing got = ferry::loads_tracked<tracking::drawing>(ferry::dumps_tracked(sent));

  BOOST_REQUIRE_EQUAL(got.shapes.size(), 2U);
  BOOST_TEST(got.shapes[0] == got.shapes[1]);
  BOOST_TEST(got.named.at("it").get() == got.shapes[0]);
  auto* const arrived = dynamic_cast<tracking::circle*>(got.shapes[0]);
  BOOST_REQUIRE(arrived != nullptr);
  BOOST_TEST(arrived->label == "round");
  BOOST_TEST(arrived->radius == 2.5);
  BOOST_TEST(arrived->layer.value() == 7);
  arrived->pixels->span()[17] = std::byte{42};
  BOOST_TEST((round->pixels->span()[17] == std::byte{42}));
}

BOOST_AUTO_TEST_SUITE_END()
