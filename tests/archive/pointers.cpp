// SPDX-License-Identifier: BSL-1.0
// Owning pointers: exclusive, shared and weak; identity, cycles, aliases.
#include <ferry/dispatch_table.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <list>
#include <map>
#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace {

struct node {
  int value = 0;
  std::shared_ptr<node> next;
  std::weak_ptr<node> back;
};

struct chain {
  int value = 0;
  std::unique_ptr<chain> next;
};

struct knows_itself : std::enable_shared_from_this<knows_itself> {
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value;
  }
};

struct made_from_parts : std::enable_shared_from_this<made_from_parts> {
  int value;
  explicit made_from_parts(int v) : value(v) {}
};

struct immovable {
  int value = 0;
  immovable() = default;
  immovable(immovable&&) = delete;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value;
  }
};

struct large {
  std::array<char, 100'000> block{};
  std::unique_ptr<large> next;
};

std::unique_ptr<chain> chain_of(int length) {
  std::unique_ptr<chain> first;
  for (int i = 0; i != length; ++i) {
    auto before = std::make_unique<chain>();
    before->value = i;
    before->next = std::move(first);
    first = std::move(before);
  }
  return first;
}

}  // namespace

template <>
inline constexpr bool ferry::registered_at_run_time<made_from_parts> = true;

BOOST_AUTO_TEST_SUITE(pointers)

BOOST_AUTO_TEST_CASE(a_shared_object_that_is_used_before_it_is_written_is_refused) {
  using pointers = std::vector<std::shared_ptr<int>>;
  CHECK_THROWS_SAYING(archive_error, "shared object 2 is used before it is written",
                      loads<pointers>(with_body(pointers{}, {1, 2})));
}

BOOST_AUTO_TEST_CASE(a_shared_object_of_one_type_is_not_given_out_as_another) {
  using numbers = std::pair<std::shared_ptr<int>, std::shared_ptr<int>>;
  using mixed = std::pair<std::shared_ptr<int>, std::shared_ptr<std::string>>;
  const auto number = std::make_shared<int>(1);
  const auto from = bytes_of(numbers(number, number));
  auto into = bytes_of(mixed());
  const std::size_t body = body_of(into);
  into.resize(body);
  into.insert(into.end(), from.begin() + static_cast<std::ptrdiff_t>(body_of(from)), from.end());
  into[16] = static_cast<std::byte>(from.size() - body_of(from));
  BOOST_CHECK_THROW(loads<mixed>(into), type_mismatch);
}

BOOST_AUTO_TEST_CASE(pointers_inside_one_another_deeper_than_the_limit_are_refused_when_written_and_read) {
  archive_options shallow;
  shallow.limit.depth = 10;
  const auto deep = chain_of(11);
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth, which is 10", dumps(deep, shallow));
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth, which is 10",
                      loads<std::unique_ptr<chain>>(dumps(deep), shallow));
  loads<std::unique_ptr<chain>>(dumps(chain_of(10), shallow), shallow);
}

BOOST_AUTO_TEST_CASE(the_deepest_message_of_large_objects_does_not_overflow_the_stack) {
  const std::size_t deepest = limits().depth;
  std::unique_ptr<large> first;
  for (std::size_t i = 0; i != deepest; ++i) {
    auto before = std::make_unique<large>();
    before->next = std::move(first);
    first = std::move(before);
  }
  std::size_t length = 0;
  const auto arrived = crossed(first);
  for (const large* at = arrived.get(); at != nullptr; at = at->next.get()) ++length;
  BOOST_TEST(length == deepest);
}

BOOST_AUTO_TEST_CASE(a_message_that_breaks_off_inside_a_cycle_leaks_nothing) {
  // Checked by the leak sanitizer; the weak pointer shows it without.
  auto first = std::make_shared<node>();
  first->next = first;
  auto bytes = bytes_of(first);
  first->next.reset();
  bytes.pop_back();
  --reinterpret_cast<unsigned char&>(bytes[16]);
  BOOST_CHECK_THROW(loads<std::shared_ptr<node>>(bytes), archive_error);
}

BOOST_AUTO_TEST_CASE(an_exclusive_pointer_crosses_with_its_object_or_null) {
  BOOST_TEST(*crossed(std::make_unique<int>(5)) == 5);
  BOOST_TEST(*crossed(std::unique_ptr<const std::string>(new std::string("x"))) == "x");
  BOOST_TEST(crossed(std::unique_ptr<int>()) == nullptr);
  BOOST_TEST(**crossed(std::make_unique<std::unique_ptr<int>>(std::make_unique<int>(1))) == 1);
  int length = 0;
  const auto arrived = crossed(chain_of(300));
  for (const chain* at = arrived.get(); at != nullptr; at = at->next.get()) ++length;
  BOOST_TEST(length == 300);
}

BOOST_AUTO_TEST_CASE(objects_that_can_be_neither_moved_nor_copied_cross_behind_pointers) {
  auto exclusive = std::make_unique<immovable>();
  exclusive->value = 3;
  BOOST_TEST(crossed(exclusive)->value == 3);
  auto shared = std::make_shared<immovable>();
  shared->value = 4;
  BOOST_TEST(crossed(shared)->value == 4);
}

BOOST_AUTO_TEST_CASE(shared_pointers_to_one_object_arrive_as_pointers_to_one_object) {
  const auto one = std::make_shared<std::string>("one");
  const std::vector<std::shared_ptr<std::string>> sent{one, nullptr, one,
                                                       std::make_shared<std::string>("one")};
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived[0] == arrived[2]);
  BOOST_TEST(arrived[1] == nullptr);
  BOOST_TEST(arrived[0] != arrived[3]);
  BOOST_TEST(*arrived[3] == "one");
  BOOST_TEST(arrived[0].use_count() == 2);
}

BOOST_AUTO_TEST_CASE(a_pointer_to_const_and_one_to_the_same_object_share_it) {
  const auto one = std::make_shared<int>(1);
  const std::pair<std::shared_ptr<int>, std::shared_ptr<const int>> sent(one, one);
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived.first == arrived.second);
}

BOOST_AUTO_TEST_CASE(cycles_are_closed_again) {
  const auto first = std::make_shared<node>();
  first->value = 1;
  first->next = std::make_shared<node>();
  first->next->value = 2;
  first->next->next = first;
  first->next->back = first;
  const auto arrived = crossed(first);
  first->next->next.reset();
  BOOST_TEST(arrived->next->value == 2);
  BOOST_TEST(arrived->next->next == arrived);
  BOOST_TEST(arrived->next->back.lock() == arrived);
  arrived->next->next.reset();
}

BOOST_AUTO_TEST_CASE(a_weak_pointer_finds_its_object_if_that_crosses_too_whatever_comes_first) {
  const auto object = std::make_shared<int>(1);
  const std::pair<std::weak_ptr<int>, std::shared_ptr<int>> weak_first(object, object);
  const auto arrived = crossed(weak_first);
  BOOST_TEST(arrived.first.lock() == arrived.second);
  BOOST_TEST(crossed(std::weak_ptr<int>(object)).expired());
  BOOST_TEST(crossed(std::weak_ptr<int>()).expired());
}

BOOST_AUTO_TEST_CASE(an_aliasing_pointer_arrives_with_what_it_points_to) {
  const auto owner = std::make_shared<node>();
  owner->value = 7;
  const std::shared_ptr<int> alias(owner, &owner->value);
  const auto arrived = crossed(std::pair(alias, alias));
  BOOST_TEST(*arrived.first == 7);
  BOOST_TEST(arrived.first == arrived.second);
  // Owner and first member have one address and are two objects.
  const auto both = crossed(std::pair(owner, alias));
  BOOST_TEST(both.first->value == 7);
  BOOST_TEST(*both.second == 7);
}

BOOST_AUTO_TEST_CASE(an_object_that_knows_its_owner_knows_it_on_arrival) {
  auto object = std::make_shared<knows_itself>();
  object->value = 2;
  const auto arrived = crossed(object);
  BOOST_TEST(arrived->shared_from_this() == arrived);
  BOOST_TEST(arrived->value == 2);

  dispatch_table table("table");
  table.add<made_from_parts>(
      "test.made_from_parts", [](const made_from_parts& m) { return std::tuple(m.value); },
      [](int value) { return made_from_parts(value); });
  archive_options options;
  options.table = &table;
  const auto made = crossed(std::make_shared<made_from_parts>(3), options);
  BOOST_TEST(made->shared_from_this() == made);
}

BOOST_AUTO_TEST_CASE(temporaries_that_take_each_others_address_stay_apart) {
  struct makes_temporaries {
    std::vector<int> seen;
    void serialize(forking_oarchive& archive, unsigned) {
      for (int i = 0; i != 20; ++i) {
        const auto temporary = std::make_shared<int>(i);
        archive << temporary;
      }
    }
    void serialize(forking_iarchive& archive, unsigned) {
      for (int i = 0; i != 20; ++i) {
        std::shared_ptr<int> arrived;
        archive >> arrived;
        seen.push_back(*arrived);
      }
    }
  };
  const auto arrived = crossed(makes_temporaries());
  for (int i = 0; i != 20; ++i) BOOST_TEST(arrived.seen.at(static_cast<std::size_t>(i)) == i);
}

BOOST_AUTO_TEST_SUITE_END()
