// SPDX-License-Identifier: BSL-1.0
// A member that is a reference refers to memory of one process.
#include <ferry/archive.hpp>

struct with_reference {
  const std::string& text;
  int number;
};
struct with_value {
  std::string text;
  int number;
};

#ifdef FERRY_CONTROL
ferry::message send(const with_value& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const with_reference& value) {
  return ferry::dumps(value);
}
#endif
