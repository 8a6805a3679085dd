// SPDX-License-Identifier: BSL-1.0
// Classes written for Boost.Serialization, as its documentation teaches, unchanged.
#include "round_trip.hpp"

#include <boost/serialization/access.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/version.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace user_code {

class with_private_member {
  friend class boost::serialization::access;
  int x_ = 0;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int /*version*/) {
    ar& x_;
  }

 public:
  with_private_member() = default;
  explicit with_private_member(int x) : x_(x) {}
  bool operator==(const with_private_member&) const = default;
};

class with_private_constructor {
  friend class boost::serialization::access;
  int x_ = 0;
  with_private_constructor() = default;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& BOOST_SERIALIZATION_NVP(x_);
  }

 public:
  static with_private_constructor of(int x) {
    with_private_constructor made;
    made.x_ = x;
    return made;
  }
  bool operator==(const with_private_constructor&) const = default;
};

struct with_free_function {
  int x = 0;
  explicit with_free_function(int v = 0) : x(v) {}
  bool operator==(const with_free_function&) const = default;
};
template <class Archive>
void serialize(Archive& ar, with_free_function& value, const unsigned int) {
  ar& value.x;
}

struct in_namespace_of_boost {
  int x = 0;
  virtual ~in_namespace_of_boost() = default;
};

class with_split_member {
  friend class boost::serialization::access;
  std::string text_;
  template <class Archive>
  void save(Archive& ar, const unsigned int) const {
    const std::string backwards(text_.rbegin(), text_.rend());
    ar << backwards;
  }
  template <class Archive>
  void load(Archive& ar, const unsigned int) {
    std::string backwards;
    ar >> backwards;
    text_.assign(backwards.rbegin(), backwards.rend());
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()

 public:
  with_split_member() = default;
  explicit with_split_member(std::string text) : text_(std::move(text)) {}
  bool operator==(const with_split_member&) const = default;
};

struct with_split_free {
  int x = 0;
  explicit with_split_free(int v = 0) : x(v) {}
  bool operator==(const with_split_free&) const = default;
};

struct final_class final {
  int x = 0;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x;
  }
};

/// An abstract base whose constructor only derived classes may call.
class public_base {
 public:
  virtual ~public_base() = default;
  virtual int sum() const = 0;

 protected:
  public_base() = default;
  int a_ = 0;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& a_;
  }
};
class protected_base {
 public:
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& b_;
  }

 protected:
  protected_base() = default;
  int b_ = 0;
};
class of_both_bases : public public_base, public protected_base {
 public:
  of_both_bases() = default;
  of_both_bases(int a, int b, int c) : c_(c) {
    a_ = a;
    b_ = b;
  }
  int sum() const override { return 100 * a_ + 10 * b_ + c_; }

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& BOOST_SERIALIZATION_BASE_OBJECT_NVP(public_base);
    ar& boost::serialization::base_object<protected_base>(*this);
    ar& c_;
  }
  int c_ = 0;
};

class needs_arguments {
  friend class boost::serialization::access;
  int id_;
  std::string note_;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& note_;
  }

 public:
  needs_arguments(int id, std::string note) : id_(id), note_(std::move(note)) {}
  int id() const { return id_; }
  bool operator==(const needs_arguments&) const = default;
};
template <class Archive>
void save_construct_data(Archive& ar, const needs_arguments* object, const unsigned int) {
  const int id = object->id();
  ar << id;
}
template <class Archive>
void load_construct_data(Archive& ar, needs_arguments* object, const unsigned int) {
  int id = 0;
  ar >> id;
  ::new (object) needs_arguments(id, "");
}
struct holds_one {
  needs_arguments member{1, "before"};
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& member;
  }
};

struct with_wrappers {
  int count = 0;
  std::unique_ptr<double[]> numbers;
  int fixed[3] = {};
  char raw[5] = {};
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& boost::serialization::make_nvp("count", count);
    if (Archive::is_loading::value) numbers.reset(new double[static_cast<std::size_t>(count)]);
    ar& boost::serialization::make_array(numbers.get(), static_cast<std::size_t>(count));
    ar& fixed;
    ar& boost::serialization::make_binary_object(raw, sizeof raw);
  }
};

/// The same class as two versions of a program have it.
namespace old_program {
struct record {
  int x = 0;
  template <class Archive>
  void serialize(Archive& ar, unsigned version) {
    BOOST_TEST(version == 1U);
    ar& x;
  }
};
}  // namespace old_program
namespace new_program {
struct record {
  int x = 0, y = -1;
  template <class Archive>
  void serialize(Archive& ar, unsigned version) {
    ar& x;
    if (version >= 2) ar& y;
  }
};
}  // namespace new_program

struct as_a_block {
  int a = 0;
  float b = 0;
  template <class Archive>
  void serialize(Archive&, unsigned) {
    BOOST_ERROR("serialize is called for a bitwise serialisable class");
  }
  bool operator==(const as_a_block&) const = default;
};

class block_of_a_friend {
  friend class boost::serialization::access;
  int x_ = 0;
  block_of_a_friend() = default;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& x_;
  }

 public:
  static block_of_a_friend of(int x) {
    block_of_a_friend made;
    made.x_ = x;
    return made;
  }
  bool operator==(const block_of_a_friend&) const = default;
};

struct gives_its_first_member {
  struct inner {
    int x = 0;
    template <class Archive>
    void serialize(Archive& ar, const unsigned int) {
      ar& x;
    }
    bool operator==(const inner&) const = default;
  } in;
  int extra = 0;
  inner* operator&() { return std::addressof(in); }
  const inner* operator&() const { return std::addressof(in); }
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& in& extra;
  }
  bool operator==(const gives_its_first_member&) const = default;
};

/// No class with a `serialize`, but one that others write to by its address.
struct native_style {
  int number = 0, flags = 0;
  int* operator&() { return std::addressof(number); }
  bool operator==(const native_style&) const = default;
};

struct without_content {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

}  // namespace user_code

namespace boost::serialization {
template <class Archive>
void serialize(Archive& ar, user_code::in_namespace_of_boost& value, const unsigned int) {
  ar& make_nvp("x", value.x);
}
template <class Archive>
void save(Archive& ar, const user_code::with_split_free& value, const unsigned int) {
  const int doubled = 2 * value.x;
  ar << doubled;
}
template <class Archive>
void load(Archive& ar, user_code::with_split_free& value, const unsigned int) {
  int doubled = 0;
  ar >> doubled;
  value.x = doubled / 2;
}
}  // namespace boost::serialization
BOOST_SERIALIZATION_SPLIT_FREE(user_code::with_split_free)
BOOST_CLASS_VERSION(user_code::old_program::record, 1)
BOOST_CLASS_VERSION(user_code::new_program::record, 2)
BOOST_IS_BITWISE_SERIALIZABLE(user_code::as_a_block)
BOOST_IS_BITWISE_SERIALIZABLE(user_code::block_of_a_friend)

using namespace user_code;

// Both programs call the class the same.
template <>
struct ferry::detail::type_namer<old_program::record> {
  static void append(std::string& name) { name += "record"; }
};
template <>
struct ferry::detail::type_namer<new_program::record> : type_namer<old_program::record> {};

BOOST_AUTO_TEST_SUITE(boost_user_code)

BOOST_AUTO_TEST_CASE(a_class_newer_than_the_one_here_is_refused_with_both_versions) {
  CHECK_THROWS_SAYING(archive_error, "version 2 of record is newer than version 1 here",
                      loads<old_program::record>(dumps(new_program::record())));
}

BOOST_AUTO_TEST_CASE(a_newer_class_reads_what_an_older_one_wrote) {
  old_program::record old;
  old.x = 7;
  const auto arrived = loads<new_program::record>(dumps(old));
  BOOST_TEST(arrived.x == 7);
  BOOST_TEST(arrived.y == -1);
  const auto several =
      loads<std::vector<new_program::record>>(dumps(std::vector<old_program::record>{old, old}));
  BOOST_TEST(several.at(1).x == 7);
}

BOOST_AUTO_TEST_CASE(a_class_of_its_own_version_crosses_whole) {
  new_program::record record;
  record.y = 5;
  BOOST_TEST(crossed(record).y == 5);
}

BOOST_AUTO_TEST_CASE(member_free_and_split_functions_are_found_public_and_private) {
  BOOST_CHECK(crosses(with_private_member(3)));
  BOOST_CHECK(crosses(with_private_constructor::of(4)));
  BOOST_CHECK(crosses(std::vector{with_private_constructor::of(4)}));
  BOOST_CHECK(crosses(with_free_function(5)));
  BOOST_CHECK(crosses(with_split_member("text")));
  BOOST_CHECK(crosses(with_split_free(6)));
  in_namespace_of_boost value;
  value.x = 7;
  BOOST_TEST(crossed(value).x == 7);
  BOOST_TEST(crossed(final_class{8}).x == 8);
}

BOOST_AUTO_TEST_CASE(an_object_without_content_takes_one_byte_so_that_counts_stay_honest) {
  BOOST_TEST(crossed(std::vector<without_content>(5)).size() == 5U);
  BOOST_CHECK_THROW(loads<std::vector<without_content>>(with_body(std::vector<without_content>(), {5, 0, 0})),
                    archive_error);
}

BOOST_AUTO_TEST_CASE(base_objects_cross_though_nobody_could_make_them_alone) {
  BOOST_TEST(crossed(of_both_bases(1, 2, 3)).sum() == 123);
  BOOST_TEST(crossed(std::make_unique<of_both_bases>(1, 2, 3))->sum() == 123);
}

BOOST_AUTO_TEST_CASE(a_class_without_default_constructor_is_made_from_its_construct_data) {
  const needs_arguments sent(42, "note");
  BOOST_CHECK(crosses(sent));
  BOOST_CHECK(crosses(std::vector{sent, sent}));
  BOOST_CHECK(*crossed(std::make_unique<needs_arguments>(sent)) == sent);
  BOOST_CHECK(*crossed(std::make_shared<needs_arguments>(sent)) == sent);
  holds_one holder;
  holder.member = sent;
  BOOST_CHECK(crossed(holder).member == sent);
}

BOOST_AUTO_TEST_CASE(arrays_and_binary_objects_cross) {
  with_wrappers sent;
  sent.count = 3;
  sent.numbers.reset(new double[3]{1, 2, 3});
  sent.fixed[2] = 9;
  sent.raw[4] = 'x';
  const auto arrived = crossed(sent);
  BOOST_TEST(arrived.numbers[2] == 3);
  BOOST_TEST(arrived.fixed[2] == 9);
  BOOST_TEST(arrived.raw[4] == 'x');
}

BOOST_AUTO_TEST_CASE(bitwise_serialisable_classes_go_as_a_block) {
  BOOST_CHECK(crosses(as_a_block{1, 2}));
  BOOST_CHECK(crosses(std::vector<as_a_block>{{1, 2}, {3, 4}}));
}

BOOST_AUTO_TEST_CASE(bitwise_serialisable_classes_that_only_a_friend_makes_are_read_as_they_were_written) {
  archive_options just_deep_enough;
  just_deep_enough.limit.depth = 2;
  const std::vector sent{block_of_a_friend::of(1), block_of_a_friend::of(2)};
  BOOST_CHECK(crosses(sent));
  BOOST_CHECK(loads<std::vector<block_of_a_friend>>(dumps(sent, just_deep_enough), just_deep_enough) == sent);
}

BOOST_AUTO_TEST_CASE(classes_whose_address_operator_gives_something_else_cross_whole) {
  const gives_its_first_member sent{{1}, 2};
  BOOST_CHECK(crosses(sent));
  BOOST_CHECK(crosses(std::vector{sent, sent}));
  const native_style handle{3, 4};
  BOOST_CHECK(crosses(handle));
  const native_style two[2] = {handle, handle};
  BOOST_CHECK((loads<std::array<native_style, 2>>(dumps(two)) == std::array{handle, handle}));
}

BOOST_AUTO_TEST_CASE(objects_are_read_over_more_fewer_and_as_many_others) {
  for (const std::size_t there : {0U, 2U, 3U, 5U}) {
    std::vector<with_split_member> into(there, with_split_member("old"));
    const std::vector<with_split_member> sent(3, with_split_member("new"));
    loads_into(into, dumps(sent));
    BOOST_CHECK(into == sent);
  }
  std::vector<new_program::record> records(3);
  loads_into(records, dumps(std::vector<old_program::record>(2)));
  BOOST_TEST(records.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
