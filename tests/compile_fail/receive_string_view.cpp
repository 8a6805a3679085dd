// SPDX-License-Identifier: BSL-1.0
// A string_view that arrives would point nowhere.
#include <ferry/archive.hpp>

struct text {
  int number;
  std::string_view view;
};
struct owned {
  int number;
  std::string string;
};

#ifdef FERRY_CONTROL
owned receive(ferry::message from) {
  return ferry::loads<owned>(std::move(from));
}
#else
text receive(ferry::message from) {
  return ferry::loads<text>(std::move(from));
}
#endif
