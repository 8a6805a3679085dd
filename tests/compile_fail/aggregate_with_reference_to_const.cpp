// SPDX-License-Identifier: BSL-1.0
// A reference to const looks like a const member, and is none.
#include <ferry/archive.hpp>

#include <string>

struct borrowed {
  int id;
#ifdef FERRY_CONTROL
  const std::string text;
#else
  const std::string& text;
#endif
};

ferry::message send(const borrowed& value) {
  return ferry::dumps(value);
}
