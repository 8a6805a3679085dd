// SPDX-License-Identifier: BSL-1.0
// Nobody knows which member it holds.
#include <ferry/archive.hpp>

#include <variant>

struct sample {
  int kind;
#ifdef FERRY_CONTROL
  std::variant<int, float> value;
#else
  union {
    int whole;
    float real;
  };
#endif
};

ferry::message send(const sample& value) {
  return ferry::dumps(value);
}
