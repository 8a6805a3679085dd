// SPDX-License-Identifier: BSL-1.0
// The tracking archives: Boost's machinery, with handles and reducers in it.
#include <ferry/shared_memory.hpp>
#include <ferry/tracking_archive.hpp>

#include "support/leaks.hpp"
#include "support/small_stack.hpp"

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace tracking {

struct node {
  int value = 0;
  node* next = nullptr;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value& next;
  }
};

struct tree {
  std::vector<tree> below;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& below;
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

/// Neither a `serialize` nor a table's entry: Boost is told of its members.
struct plain {
  int number;
  int several[3];
};

/// Raw pointers in all kinds of standard types, and to a member of the same object.
struct holder {
  std::vector<node*> sequence;
  std::map<int, node*> by_key;
  std::unordered_map<int, node*> by_hash;
  std::array<node*, 1> fixed{};
  std::optional<node*> maybe;
  std::tuple<int, const node*> several;
  std::variant<int, node*> either;
  plain inside{};
  plain *to_inside = nullptr, *elsewhere = nullptr;
  std::vector<std::string> texts;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& sequence& by_key& by_hash& fixed& maybe& several& either& inside& to_inside& elsewhere& texts;
  }
};

struct sparse {
  std::size_t size = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    boost::serialization::collection_size_type count(size);
    archive& count;
    size = static_cast<const boost::serialization::collection_size_type&>(count);
  }
};
struct ranked {
  int rank = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& rank;
  }
  friend bool operator<(const ranked& a, const ranked& b) { return a.rank < b.rank; }
};
struct nothing_written {
  int cache = 0;
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

/// Writes the count of a vector alone.
struct false_count {
  std::vector<node> nodes;
  template <class Archive>
  void save(Archive& archive, unsigned) const {
    const boost::serialization::collection_size_type count(std::size_t{1} << 60U);
    const boost::serialization::item_version_type version(0);
    archive << count << version;
  }
  template <class Archive>
  void load(Archive& archive, unsigned) {
    archive >> nodes;
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()
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

BOOST_AUTO_TEST_CASE(a_count_for_which_boost_makes_room_is_held_to_the_bytes_of_the_tracked_message) {
  BOOST_CHECK_THROW(
      ferry::loads_tracked<tracking::false_count>(ferry::dumps_tracked(tracking::false_count())),
      ferry::archive_error);
}

BOOST_AUTO_TEST_CASE(an_array_is_not_read_as_a_shorter_one_by_a_tracking_archive) {
  const std::array<int, 10> ten{1, 2, 3};
  ferry::tracking_oarchive out;
  out << ten;
  ferry::tracking_iarchive in(out.finish());
  std::array<int, 9> nine{};
  BOOST_CHECK_THROW(in >> nine, boost::archive::archive_exception);
}

BOOST_AUTO_TEST_CASE(a_priority_queue_of_classes_crosses_in_a_tracked_message) {
  std::priority_queue<tracking::ranked> queue;
  for (const int rank : {2, 3, 1}) queue.push({rank});
  auto arrived = ferry::loads_tracked<decltype(queue)>(ferry::dumps_tracked(queue));
  for (const int rank : {3, 2, 1}) {
    BOOST_TEST(arrived.top().rank == rank);
    arrived.pop();
  }
}

BOOST_AUTO_TEST_CASE(a_size_that_counts_no_bytes_crosses_in_a_tracked_message) {
  const tracking::sparse large{std::size_t{1} << 50U};
  BOOST_TEST(ferry::loads_tracked<tracking::sparse>(ferry::dumps_tracked(large)).size == large.size);
  const std::vector<tracking::nothing_written> many(10'000);
  BOOST_TEST(
      ferry::loads_tracked<std::vector<tracking::nothing_written>>(ferry::dumps_tracked(many)).size() ==
      many.size());
  std::unordered_map<int, tracking::nothing_written> few;
  few.rehash(100'000);
  few[1];
  const auto arrived = ferry::loads_tracked<decltype(few)>(ferry::dumps_tracked(few));
  BOOST_TEST(arrived.size() == 1U);
}

BOOST_AUTO_TEST_CASE(pointers_to_const_and_to_what_may_change_have_one_name) {
  tracking::node one{7};
  const tracking::node* const unchanging = &one;
  const std::unique_ptr<const tracking::node> got(
      ferry::loads_tracked<tracking::node*>(ferry::dumps_tracked(unchanging)));
  BOOST_TEST(got->value == 7);
  const std::unique_ptr<const tracking::node> same(
      ferry::loads_tracked<const tracking::node*>(ferry::dumps_tracked(&one)));
  BOOST_TEST(same->value == 7);
  const std::vector<const tracking::node*> sent{unchanging};
  const auto several = ferry::loads_tracked<std::vector<tracking::node*>>(ferry::dumps_tracked(sent));
  const std::unique_ptr<tracking::node> only(several.at(0));
  BOOST_TEST(only->value == 7);
}

BOOST_AUTO_TEST_CASE(a_tracked_type_crosses_under_the_name_that_a_table_gives_it) {
  ferry::dispatch_table table;
  table.add<tracking::plain>("my.plain");
  ferry::archive_options options;
  options.table = &table;
  const ferry::message sent = ferry::dumps_tracked(tracking::plain{4, {}}, options);
  BOOST_TEST(ferry::loads_tracked<tracking::plain>(sent.bytes(), options).number == 4);
  BOOST_CHECK_THROW(ferry::loads_tracked<tracking::plain>(sent.bytes()), ferry::type_mismatch);
  BOOST_TEST(
      ferry::loads_tracked<tracking::plain>(ferry::dumps_tracked(tracking::plain{5, {}}), options).number ==
      5);
}

BOOST_AUTO_TEST_CASE(raw_pointers_cross_in_standard_types_and_to_plain_aggregates) {
  tracking::node first{1}, second{2, &first};
  tracking::plain elsewhere{4, {1, 2, 3}};
  tracking::holder sent;
  sent.sequence = {&first, &second};
  sent.by_key[1] = sent.by_hash[2] = sent.fixed[0] = &second;
  sent.maybe = &first;
  sent.several = {7, &second};
  sent.either = &first;
  sent.inside.several[2] = 9;
  sent.to_inside = &sent.inside;
  sent.elsewhere = &elsewhere;
  sent.texts = {"one", "two"};
  const auto got = std::make_unique<tracking::holder>();
  {
    ferry::tracking_oarchive writer;
    writer << sent;
    const ferry::message message = writer.finish();
    ferry::tracking_iarchive reader(message.bytes());
    reader >> *got;
    reader.finish();
  }
  const std::unique_ptr<tracking::node> one(got->sequence.at(0)), two(got->sequence.at(1));
  const std::unique_ptr<tracking::plain> other(got->elsewhere);
  BOOST_TEST(two->next == one.get());
  BOOST_TEST(got->by_key.at(1) == two.get());
  BOOST_TEST(got->by_hash.at(2) == two.get());
  BOOST_TEST(got->fixed[0] == two.get());
  BOOST_TEST(got->maybe.value() == one.get());
  BOOST_TEST(std::get<1>(got->several) == two.get());
  BOOST_TEST(std::get<1>(got->either) == one.get());
  BOOST_TEST(got->to_inside == &got->inside);
  BOOST_TEST(got->inside.several[2] == 9);
  BOOST_TEST(other->several[2] == 3);
  BOOST_TEST(got->texts.at(1) == "two");
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

BOOST_AUTO_TEST_CASE(a_tracked_value_that_is_deeper_than_the_stack_has_room_for_is_refused) {
  constexpr std::size_t deep = 10'000, small = std::size_t{256} << 10U;
  std::vector<tracking::node> list(deep);
  for (std::size_t i = 1; i != deep; ++i) list[i - 1].next = &list[i];
  const tracking::node* const first = list.data();
  ferry::test::on_stack_of(small,
                           [&] { BOOST_CHECK_THROW(ferry::dumps_tracked(first), ferry::limit_exceeded); });

  ferry::test::on_stack_of(std::size_t{512} << 20U, [] {
    tracking::tree top;
    for (std::size_t i = 0; i != deep; ++i) {
      tracking::tree above;
      above.below.push_back(std::move(top));
      top = std::move(above);
    }
    ferry::message sent = ferry::dumps_tracked(top);
    ferry::test::on_stack_of(small, [&] {
      BOOST_CHECK_THROW(ferry::dumps_tracked(top), ferry::limit_exceeded);
      BOOST_CHECK_THROW(ferry::loads_tracked<tracking::tree>(std::move(sent)), ferry::limit_exceeded);
    });
  });
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
