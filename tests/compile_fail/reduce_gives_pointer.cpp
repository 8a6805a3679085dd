// SPDX-License-Identifier: BSL-1.0
// What a reducer gives must itself cross.
#include <ferry/archive.hpp>

class thing {
 public:
  explicit thing(int value) : value_(value) {}
  int value() const { return value_; }

 private:
  int value_;
};

template <>
struct ferry::reducer<thing> {
  static constexpr std::string_view name = "thing";
#ifdef FERRY_CONTROL
  static std::tuple<int> reduce(const thing& t) {
    return t.value();
  }
  static thing rebuild(int value) {
    return thing(value);
  }
#else
  static std::tuple<const char*> reduce(const thing&) {
    return "";
  }
  static thing rebuild(const std::string&) {
    return thing(0);
  }
#endif
};

ferry::message send(const thing& value) {
  return ferry::dumps(value);
}
