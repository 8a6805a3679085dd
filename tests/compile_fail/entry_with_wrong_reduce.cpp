// SPDX-License-Identifier: BSL-1.0
// What takes an object apart is given it as const.
#include <ferry/dispatch_table.hpp>

#include <tuple>

class thing {
 public:
  explicit thing(int value) : value_(value) {}
  int value() const { return value_; }

 private:
  int value_;
};

void prepare(ferry::dispatch_table& table) {
#ifdef FERRY_CONTROL
  table.add<thing>(
      "thing", [](const thing& from) { return std::tuple(from.value()); },
      [](int value) { return thing(value); });
#else
  table.add<thing>(
      "thing", [](thing& from) { return std::tuple(from.value()); }, [](int value) { return thing(value); });
#endif
}
