// SPDX-License-Identifier: BSL-1.0
// A reducer gives a tuple of arguments.
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
  static int reduce(const thing& t) {
    return t.value();
  }
  static thing rebuild(int value) {
    return thing(value);
  }
#endif
};

ferry::message send(const thing& value) {
  return ferry::dumps(value);
}
