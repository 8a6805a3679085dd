// SPDX-License-Identifier: BSL-1.0
// A type that uses everything an archive can do, a value of it, and tables for it: for tests with hostile
// bytes and for the fuzz target.
#pragma once

#include <ferry/any_object.hpp>
#include <ferry/archive.hpp>
#include <ferry/dispatch_table.hpp>

#include <boost/serialization/optional.hpp>
#include <boost/serialization/version.hpp>
#include <boost/unordered_map.hpp>

#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace ferry::test::all {

enum class color : std::uint8_t { red, green };
enum class flag : bool { off, on };

struct point {
  float x = 0, y = 0;
  friend bool operator==(const point&, const point&) = default;
};
struct labelled {
  char name[8] = {};
  std::string label;
  point at;
  bool marks[3] = {};
};
struct needs_argument {
  int value;
  explicit needs_argument(int v) : value(v) {}
  friend bool operator<(needs_argument a, needs_argument b) { return a.value < b.value; }
};
struct versioned {
  int x = 0;
  std::vector<versioned> children;
  template <class Archive>
  void serialize(Archive& archive, unsigned version) {
    archive& x;
    if (version >= 3) archive& children;
  }
};
class constructed {
 public:
  explicit constructed(int id) : id_(id) {}
  int id() const { return id_; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& note_;
  }

 private:
  int id_;
  std::string note_ = "note";
};
template <class Archive>
void save_construct_data(Archive& archive, const constructed* object, unsigned) {
  const int id = object->id();
  archive << id;
}
template <class Archive>
void load_construct_data(Archive& archive, constructed* object, unsigned) {
  int id = 0;
  archive >> id;
  ::new (object) constructed(id);
}
struct animal {
  virtual ~animal() = default;
  virtual int legs() const = 0;
};
struct has_name {
  std::string name;
  virtual ~has_name() = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name;
  }
};
struct dog : has_name, animal {
  std::unique_ptr<animal> friend_of;
  int legs() const override { return 4; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& friend_of;
  }
};
struct crab : virtual animal {
  int leg_count = 10;
  int legs() const override { return leg_count; }
};
struct node {
  int value = 0;
  std::shared_ptr<node> next;
  std::weak_ptr<node> back;
};
struct overridden {
  std::string text;
  double numbers[4] = {};
};

}  // namespace ferry::test::all

template <>
struct ferry::reducer<ferry::test::all::needs_argument> {
  static constexpr std::string_view name = "test.all.needs_argument";
  static auto reduce(const test::all::needs_argument& n) { return std::tuple(n.value); }
  static test::all::needs_argument rebuild(int value) { return test::all::needs_argument(value); }
};
BOOST_CLASS_VERSION(ferry::test::all::versioned, 3)

namespace ferry::test::all {

struct everything {
  bool truth = true;
  char letter = 'x';
  long double wide = 1.25L;
  color paint = color::green;
  flag raised = flag::on;
  std::string text = "text";
  std::u16string utf16 = u"wide";
  std::vector<bool> bits{true, false, true};
  std::vector<double> numbers{1, 2, 3};
  std::vector<point> points{{1, 2}, {3, 4}};
  std::vector<labelled> labels{{"name", "label", {1, 2}, {true, false, true}}};
  std::vector<std::byte> block = std::vector<std::byte>(20, std::byte{7});
  std::vector<std::vector<std::string>> nested{{"a"}, {}};
  std::deque<std::optional<int>> deque{1, std::nullopt};
  std::list<std::variant<int, std::string, needs_argument>> list{1, "b", needs_argument(2)};
  std::forward_list<short> forward{1, 2};
  std::set<needs_argument> set{needs_argument(1), needs_argument(2)};
  std::multiset<int> multiset{1, 1};
  std::map<std::string, std::unique_ptr<std::string>> map;
  std::multimap<int, int> multimap{{1, 1}, {1, 2}};
  std::unordered_set<std::string> unordered{"u"};
  std::unordered_map<int, std::vector<int>> unordered_map{{1, {1, 2}}};
  std::priority_queue<int> priority;
  std::array<std::string, 2> array{"x", "y"};
  std::bitset<11> bitset{5};
  std::tuple<int, std::string, std::tuple<>> tuple{1, "t", {}};
  std::pair<point, std::optional<labelled>> pair{{1, 2}, labelled{}};
  std::filesystem::path path = "/some/path";
  std::chrono::nanoseconds duration{5};
  std::chrono::system_clock::time_point time{std::chrono::seconds(6)};
  std::complex<double> complex{1, 2};
  std::error_code code = std::make_error_code(std::errc::timed_out);
  std::exception_ptr known = std::make_exception_ptr(std::out_of_range("known"));
  std::exception_ptr unknown = std::make_exception_ptr(42);
  std::unique_ptr<animal> pet;
  std::shared_ptr<animal> shared_pet;
  std::shared_ptr<has_name> same_pet;
  std::vector<std::shared_ptr<node>> nodes;
  std::vector<versioned> classes{{}, {1, {{}, {}}}};
  std::vector<constructed> made{constructed(1), constructed(2)};
  boost::optional<std::string> boost_optional = std::string("boost");
  boost::unordered_map<int, std::string> boost_map{{1, "one"}};
  std::vector<overridden> overrides = std::vector<overridden>(2);

  everything() = default;
  everything(everything&&) = default;
  everything& operator=(everything&&) = default;
  ~everything() { break_cycles(); }

  /// What a message describes may point to itself; nobody but its owner can know.
  void break_cycles() {
    for (auto& each : nodes) {
      if (each == nullptr) continue;
      for (auto at = std::move(each->next); at != nullptr;) {
        auto next = std::move(at->next);
        at = std::move(next);
      }
    }
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& truth& letter& wide& paint& raised& text& utf16& bits& numbers& points& labels& block& nested&
        deque& list& forward& set& multiset& map& multimap& unordered& unordered_map& priority& array& bitset&
            tuple& pair& path& duration& time& complex& code& known& unknown& pet& shared_pet& same_pet&
                nodes& classes& made& boost_optional& boost_map& overrides;
  }
};

/// A value in which each member has content.
inline everything full_value() {
  everything value;
  value.map["key"] = std::make_unique<std::string>("value");
  for (const int n : {3, 1, 2}) value.priority.push(n);
  auto pet = std::make_unique<dog>();
  pet->name = "pet";
  pet->friend_of = std::make_unique<crab>();
  value.pet = std::move(pet);
  const auto shared = std::make_shared<dog>();
  shared->name = "shared";
  value.shared_pet = shared;
  value.same_pet = shared;
  const auto first = std::make_shared<node>(), second = std::make_shared<node>();
  first->next = second;
  second->back = first;
  second->value = 2;
  value.nodes = {first, second, first};
  return value;
}

/// The types behind pointers.
inline const dispatch_table& plain_table() {
  static const dispatch_table& table = []() -> dispatch_table& {
    static dispatch_table made("everything");
    made.add<dog>("dog");
    made.add<crab>(
        "crab", [](const crab& c) { return std::tuple(c.leg_count); },
        [](int legs) {
          crab c;
          c.leg_count = legs;
          return c;
        });
    made.add<everything>("everything");
    made.add<std::vector<versioned>>("classes");
    made.add<std::unique_ptr<animal>>("pet");
    return made;
  }();
  return table;
}

/// The same, with a way of its own for one type.
inline const dispatch_table& overriding_table() {
  static const dispatch_table& table = []() -> dispatch_table& {
    static dispatch_table made("everything, overridden", &plain_table());
    made.add<overridden>(
        "short form", [](const overridden& o) { return std::tuple(o.text); },
        [](std::string text) {
          return overridden{std::move(text), {}};
        });
    return made;
  }();
  return table;
}

inline archive_options options(bool overriding = false) {
  archive_options chosen;
  chosen.table = overriding ? &overriding_table() : &plain_table();
  chosen.mode = transfer::duplicate;
  return chosen;
}

}  // namespace ferry::test::all
