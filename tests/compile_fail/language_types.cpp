// SPDX-License-Identifier: BSL-1.0
// Types of the language itself, by themselves.
#include <ferry/archive.hpp>
#include <ferry/shared_value.hpp>

#include <tuple>
#include <variant>

union number {
  int whole;
  float real;
};

#ifdef FERRY_CONTROL
void send(int& value, const ferry::shared_value<int>& shared) {
  ferry::dumps(std::tuple<int>(value));
  ferry::dumps(shared, {.mode = ferry::transfer::duplicate});
  ferry::dumps(std::variant<int, float>(1));
}
#else
void send(int& value, const number& either) {
  ferry::dumps(std::tuple<int&>(value));
  ferry::dumps(either);
}
#endif
