// SPDX-License-Identifier: BSL-1.0
// Pointers to base classes: what they point to crosses as what it is, by its name in a dispatch table.
#include <ferry/dispatch_table.hpp>

#include "round_trip.hpp"

#include <boost/serialization/base_object.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace polymorphic_test {

struct shape {
  virtual ~shape() = default;
  virtual int area() const = 0;
};
struct named {
  std::string name = "none";
  virtual ~named() = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name;
  }
};
/// The shape is the second base: the pointers differ.
struct square : named, shape {
  int side = 0;
  int area() const override { return side * side; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::base_object<named>(*this) & side;
  }
};
struct virtual_shape : virtual shape, virtual named {
  int value = 0;
  int area() const override { return value; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& value;
  }
};
struct secret_shape : private shape {
  int area() const override { return 1; }
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};
struct twice_left : shape {};
struct twice_right : shape {};
struct twice : twice_left, twice_right {
  int area() const override { return 1; }
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};
struct unregistered : shape {
  int area() const override { return 1; }
};
struct from_parts : shape {
  int value;
  explicit from_parts(int v) : value(v) {}
  int area() const override { return value; }
};
struct group : shape {
  std::vector<std::unique_ptr<shape>> shapes;
  int area() const override {
    int sum = 0;
    for (const auto& each : shapes) sum += each->area();
    return sum;
  }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& shapes;
  }
};

}  // namespace polymorphic_test

using namespace polymorphic_test;

template <>
struct ferry::reducer<from_parts> {
  static constexpr std::string_view name = "test.from_parts";
  static auto reduce(const from_parts& f) { return std::tuple(f.value); }
  static from_parts rebuild(int value) { return from_parts(value); }
};

namespace {

struct tables {
  dispatch_table table{"shapes"};
  archive_options options;
  tables() {
    table.add<square>("square");
    table.add<virtual_shape>("virtual");
    table.add<secret_shape>("secret");
    table.add<twice>("twice");
    table.add<from_parts>();
    table.add<group>("group");
    options.table = &table;
  }
};

/// A message in which `from` is replaced by `to`, of the same length.
std::vector<std::byte> renamed(std::vector<std::byte> bytes, const std::string& from, const std::string& to) {
  const auto* const text = reinterpret_cast<const std::byte*>(from.data());
  const auto place = std::search(bytes.begin(), bytes.end(), text, text + from.size());
  BOOST_REQUIRE(place != bytes.end());
  std::memcpy(&*place, to.data(), to.size());
  return bytes;
}

std::unique_ptr<shape> square_of(int side) {
  auto made = std::make_unique<square>();
  made->side = side;
  made->name = "a square";
  return made;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(polymorphic, tables)

BOOST_AUTO_TEST_CASE(a_type_in_no_table_is_refused_with_its_name_and_the_cure) {
  const std::unique_ptr<shape> sent = std::make_unique<unregistered>();
  CHECK_THROWS_SAYING(name_error,
                      "no dispatch table in reach has an entry for polymorphic_test::unregistered: add one, "
                      "e.g. dispatch_table::global().add<polymorphic_test::unregistered>",
                      dumps(sent, options));
}

BOOST_AUTO_TEST_CASE(a_name_that_the_reader_does_not_know_is_refused_with_it) {
  const auto bytes = renamed(bytes_of(square_of(2), options), "square", "sqware");
  CHECK_THROWS_SAYING(name_error, "no dispatch table in reach knows 'sqware'",
                      loads<std::unique_ptr<shape>>(bytes, options));
}

BOOST_AUTO_TEST_CASE(a_type_that_is_not_derived_from_the_base_asked_for_is_refused) {
  const auto bytes = renamed(bytes_of(square_of(2), options), "square", "string");
  BOOST_CHECK_THROW(loads<std::unique_ptr<shape>>(bytes, options), archive_error);
  const auto shared = renamed(bytes_of(std::shared_ptr<shape>(square_of(2)), options), "square", "string");
  BOOST_CHECK_THROW(loads<std::shared_ptr<shape>>(shared, options), archive_error);
}

BOOST_AUTO_TEST_CASE(a_private_or_ambiguous_base_is_refused) {
  const auto secret = renamed(bytes_of(square_of(2), options), "square", "secret");
  CHECK_THROWS_SAYING(archive_error, "", loads<std::unique_ptr<shape>>(secret, options));
  // twice has two shapes; as one of its own bases it can be sent, as a shape it cannot arrive.
  const std::unique_ptr<twice_left> sent = std::make_unique<twice>();
  BOOST_TEST(crossed(sent, options)->area() == 1);
}

BOOST_AUTO_TEST_CASE(a_pointer_to_an_abstract_class_must_say_to_what_it_points) {
  CHECK_THROWS_SAYING(archive_error, "does not say to what it points",
                      loads<std::unique_ptr<shape>>(with_body(std::unique_ptr<shape>(), {1, 0}), options));
}

BOOST_AUTO_TEST_CASE(the_object_crosses_as_what_it_is_whichever_base_points_to_it) {
  const auto arrived = crossed(square_of(3), options);
  BOOST_TEST(arrived->area() == 9);
  BOOST_TEST(dynamic_cast<square&>(*arrived).name == "a square");

  std::unique_ptr<named> sent = std::make_unique<square>();
  dynamic_cast<square&>(*sent).side = 4;
  BOOST_TEST(dynamic_cast<shape&>(*crossed(sent, options)).area() == 16);
}

BOOST_AUTO_TEST_CASE(an_object_of_the_very_class_needs_no_name) {
  auto sent = std::make_unique<named>();
  sent->name = "x";
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived->name == "x");
  const named& object = *arrived;
  BOOST_CHECK(typeid(object) == typeid(named));
}

BOOST_AUTO_TEST_CASE(virtual_bases_are_found) {
  auto object = std::make_unique<virtual_shape>();
  object->value = 6;
  object->name = "v";
  const std::unique_ptr<shape> sent = std::move(object);
  const auto arrived = crossed(sent, options);
  BOOST_TEST(arrived->area() == 6);
  BOOST_TEST(dynamic_cast<named&>(*arrived).name == "v");
}

BOOST_AUTO_TEST_CASE(a_class_made_from_parts_crosses_behind_its_base) {
  const std::unique_ptr<shape> sent = std::make_unique<from_parts>(8);
  BOOST_TEST(crossed(sent, options)->area() == 8);
}

BOOST_AUTO_TEST_CASE(shared_pointers_to_different_bases_of_one_object_stay_one) {
  const auto object = std::make_shared<square>();
  object->side = 2;
  using all = std::tuple<std::shared_ptr<shape>, std::shared_ptr<named>, std::shared_ptr<square>>;
  const auto arrived = crossed(all(object, object, object), options);
  BOOST_TEST(std::get<0>(arrived).get() == std::get<2>(arrived).get());
  BOOST_TEST(std::get<1>(arrived).get() == std::get<2>(arrived).get());
  BOOST_TEST(std::get<2>(arrived)->side == 2);
  // The other way round: the object is made by its name, then asked for by its own type.
  const auto reversed = std::make_pair(std::shared_ptr<square>(object), std::shared_ptr<shape>(object));
  const auto again = crossed(reversed, options);
  BOOST_TEST(again.first.get() == again.second.get());
}

BOOST_AUTO_TEST_CASE(pointers_inside_polymorphic_objects_cross) {
  auto inner = std::make_unique<group>();
  inner->shapes.push_back(square_of(1));
  inner->shapes.push_back(square_of(2));
  auto outer = std::make_unique<group>();
  outer->shapes.push_back(std::move(inner));
  outer->shapes.push_back(square_of(3));
  const std::unique_ptr<shape> sent = std::move(outer);
  BOOST_TEST(crossed(sent, options)->area() == 14);
}

BOOST_AUTO_TEST_SUITE_END()
