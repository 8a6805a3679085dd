// SPDX-License-Identifier: BSL-1.0
// What Boost makes behind pointers: objects with construct data, and those that stay where they are built.
#include "round_trip.hpp"

#include <boost/serialization/access.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <mutex>

using namespace ferry;
using namespace ferry::test;

namespace boost_pointees {

/// Boost calls its construct data behind pointers though it has a default constructor.
struct sensor {
  sensor() = default;
  explicit sensor(int p) : port(p) {}
  virtual ~sensor() = default;
  int value = 0, port = 0;
  std::shared_ptr<sensor> other;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value& other;
  }
};
struct fine_sensor : sensor {
  fine_sensor() = default;
  explicit fine_sensor(int p) : sensor(p) {}
  int digits = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::base_object<sensor>(*this) & digits;
  }
};

/// Construct data, no default constructor, and neither moved nor assigned.
class fixed {
 public:
  explicit fixed(int n) : number(n) {}
  fixed(const fixed&) = delete;
  fixed& operator=(const fixed&) = delete;
  const int number;
  int state = 0;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& state;
  }
};

/// Made by Boost's friend alone, in memory of its own.
class hermit {
 public:
  static std::unique_ptr<hermit> of(int x) {
    std::unique_ptr<hermit> made(new hermit);
    made->x_ = x;
    return made;
  }
  int x() const { return x_; }
  static void* operator new(std::size_t size) {
    ++places;
    return ::operator new(size);
  }
  static void operator delete(void* place) {
    --places;
    ::operator delete(place);
  }
  static int places;

 private:
  friend class boost::serialization::access;
  hermit() = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& x_;
  }
  std::mutex guard_;
  int x_ = 0;
};
int hermit::places = 0;

struct alignas(128) wide {
  explicit wide(int n) : number(n) {}
  int number;
  std::atomic<int> untouched{0};
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

/// The hierarchy of the guidelines: a base without copies.
struct shape {
  shape() = default;
  shape(const shape&) = delete;
  shape& operator=(const shape&) = delete;
  virtual ~shape() = default;
  virtual double area() const = 0;
};
struct disc : shape {
  double radius = 1;
  std::shared_ptr<disc> inner;
  double area() const override { return radius; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& radius& inner;
  }
};

/// Counts those that live, and cannot be assigned.
struct ring {
  ring() noexcept { ++alive; }
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() { --alive; }
  std::shared_ptr<ring> next;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& next& text;
  }
  static int alive;
};
int ring::alive = 0;

}  // namespace boost_pointees

namespace boost::serialization {
template <class Archive>
void save_construct_data(Archive& archive, const boost_pointees::sensor* object, unsigned) {
  archive << object->port;
}
template <class Archive>
void load_construct_data(Archive& archive, boost_pointees::sensor* place, unsigned) {
  int port = 0;
  archive >> port;
  ::new (place) boost_pointees::sensor(port);
}
template <class Archive>
void save_construct_data(Archive& archive, const boost_pointees::fine_sensor* object, unsigned) {
  archive << object->port;
}
template <class Archive>
void load_construct_data(Archive& archive, boost_pointees::fine_sensor* place, unsigned) {
  int port = 0;
  archive >> port;
  ::new (place) boost_pointees::fine_sensor(port);
}
template <class Archive>
void save_construct_data(Archive& archive, const boost_pointees::fixed* object, unsigned) {
  archive << object->number;
}
template <class Archive>
void load_construct_data(Archive& archive, boost_pointees::fixed* place, unsigned) {
  int number = 0;
  archive >> number;
  if (number < 0) throw archive_error("a negative number");
  ::new (place) boost_pointees::fixed(number);
}
template <class Archive>
void save_construct_data(Archive& archive, const boost_pointees::wide* object, unsigned) {
  archive << object->number;
}
template <class Archive>
void load_construct_data(Archive& archive, boost_pointees::wide* place, unsigned) {
  int number = 0;
  archive >> number;
  ::new (place) boost_pointees::wide(number);
}
}  // namespace boost::serialization

BOOST_AUTO_TEST_SUITE(boost_pointees)

BOOST_AUTO_TEST_CASE(an_object_whose_construction_fails_leaves_no_memory_behind) {
  const std::vector<std::byte> negative =
      with_body(std::make_unique<fixed>(1), {1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0});
  BOOST_CHECK_THROW(loads<std::unique_ptr<fixed>>(negative), archive_error);
  const int places = hermit::places;
  const std::vector<std::byte> cut = with_body(hermit::of(1), {1, 7, 0});
  BOOST_CHECK_THROW(loads<std::unique_ptr<hermit>>(cut), archive_error);
  BOOST_TEST(hermit::places == places);
}

BOOST_AUTO_TEST_CASE(a_cycle_of_what_cannot_be_assigned_is_let_go_of_when_its_message_is_wrong) {
  {
    auto first = std::make_shared<ring>(), second = std::make_shared<ring>();
    first->next = second;
    second->next = first;
    first->text = "a text that is cut";
    std::vector<std::byte> bytes = bytes_of(first);
    BOOST_TEST(ring::alive == 2);
    const auto whole = loads<std::shared_ptr<ring>>(bytes);
    BOOST_TEST((whole->next->next == whole));
    whole->next.reset();
    bytes.back() = std::byte{0xff};  // the text stays, and the message is one byte longer than its value
    bytes.push_back(std::byte{0});
    bytes[16] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[16]) + 1);
    BOOST_CHECK_THROW(loads<std::shared_ptr<ring>>(bytes), archive_error);
    first->next.reset();
  }
  BOOST_TEST(ring::alive == 0);
}

BOOST_AUTO_TEST_CASE(construct_data_cross_behind_every_pointer_also_with_a_default_constructor) {
  BOOST_TEST(crossed(std::make_unique<sensor>(7))->port == 7);
  BOOST_TEST(crossed(std::make_shared<sensor>(7))->port == 7);
  const auto shared = std::make_shared<sensor>(7);
  BOOST_TEST(crossed(std::pair(shared, std::weak_ptr<sensor>(shared))).second.lock()->port == 7);
  BOOST_TEST(crossed(std::vector<std::shared_ptr<const sensor>>{shared}).at(0)->port == 7);
  archive_options options;
  dispatch_table table;
  options.table = &table;
  table.add<fine_sensor>("fine");
  table.add<sensor>("coarse");
  std::unique_ptr<sensor> behind_base = std::make_unique<fine_sensor>(8);
  behind_base->value = 3;
  const auto arrived = crossed(behind_base, options);
  BOOST_TEST(dynamic_cast<fine_sensor&>(*arrived).port == 8);
  BOOST_TEST(arrived->value == 3);
  const auto twice =
      crossed(std::vector<std::shared_ptr<sensor>>{std::make_shared<fine_sensor>(9), shared}, options);
  BOOST_TEST(twice.at(0)->port == 9);
  BOOST_TEST(twice.at(1)->port == 7);
}

BOOST_AUTO_TEST_CASE(an_object_with_construct_data_may_point_to_itself) {
  const auto sent = std::make_shared<sensor>(7);
  sent->other = sent;
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived->other == arrived);
  BOOST_TEST(arrived->port == 7);
  sent->other.reset();
  arrived->other.reset();
}

BOOST_AUTO_TEST_CASE(values_and_elements_with_a_default_constructor_cross_without_construct_data) {
  BOOST_TEST(crossed(sensor(7)).port == 0);
  BOOST_TEST(crossed(std::vector<sensor>(2, sensor(7))).at(1).port == 0);
  BOOST_TEST(bytes_of(std::vector<sensor>(2)).size() < bytes_of(std::vector<sensor>(3)).size());
  dispatch_table table;
  table.add<sensor>("sensor");
  archive_options options;
  options.table = &table;
  BOOST_TEST(loads<sensor>(dumps(sensor(7), options), options).port == 0);
}

BOOST_AUTO_TEST_CASE(a_pointee_that_cannot_be_moved_is_built_where_it_stays) {
  fixed sent(5);
  sent.state = 6;
  std::unique_ptr<fixed> alone(new fixed(5));
  alone->state = 6;
  BOOST_TEST(crossed(alone)->number == 5);
  BOOST_TEST(crossed(alone)->state == 6);
  BOOST_TEST(crossed(std::shared_ptr<fixed>(std::move(alone)))->number == 5);
  BOOST_TEST(crossed(hermit::of(9))->x() == 9);
  BOOST_TEST(crossed(std::shared_ptr<hermit>(hermit::of(9)))->x() == 9);
  const auto broad = crossed(std::make_unique<wide>(3));
  BOOST_TEST(broad->number == 3);
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(broad.get()) % alignof(wide) == 0U);
}

BOOST_AUTO_TEST_CASE(an_object_that_is_there_and_cannot_be_assigned_is_read_by_its_serialize_alone) {
  fixed sent(5);
  sent.state = 6;
  fixed there(1);
  loads_into(there, dumps(sent));
  BOOST_TEST(there.number == 1);
  BOOST_TEST(there.state == 6);
}

BOOST_AUTO_TEST_CASE(a_hierarchy_without_copies_crosses_by_a_dispatch_table) {
  dispatch_table table;
  table.add<disc>("disc");
  archive_options options;
  options.table = &table;
  auto round = std::make_shared<disc>();
  round->radius = 2;
  round->inner = round;
  const auto arrived = crossed(std::shared_ptr<shape>(round), options);
  BOOST_TEST(arrived->area() == 2.0);
  auto& inner = dynamic_cast<disc&>(*arrived).inner;
  BOOST_TEST(inner.get() == arrived.get());
  inner.reset();
  round->inner.reset();
  std::unique_ptr<shape> alone = std::make_unique<disc>();
  BOOST_TEST(crossed(alone, options)->area() == 1.0);
  BOOST_TEST(crossed(std::make_unique<disc>())->area() == 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
