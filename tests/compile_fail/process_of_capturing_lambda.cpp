// expect: it is a lambda with captures
// expect: start the process with start_method::fork, which copies memory
#include <ferry/process.hpp>

void start() {
  int count = 0;
#ifdef FERRY_CONTROL
  ferry::process child = ferry::process::fork([&count] { ++count; });
#else
  ferry::process child([&count] { ++count; });
#endif
}
