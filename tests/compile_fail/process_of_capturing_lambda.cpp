// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

#ifdef FERRY_CONTROL
struct printed {
  int count;
  void operator()() const;
};
void print(int count);
#endif

void start() {
  int count = 0;
#ifdef FERRY_CONTROL
  ferry::process child = ferry::process::fork([&count] { ++count; });
  ferry::process other([](int number) { print(number); }, count);
  ferry::process third(printed{count});
  ferry::process fourth(ferry::bind_front(ferry::fn<&print>, count));
#else
  ferry::process child([&count] { ++count; });
#endif
}
