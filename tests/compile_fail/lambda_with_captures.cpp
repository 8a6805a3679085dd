// The members of a lambda with captures have no names.
// expect: ferry: this type .* cannot cross to another process: it is a lambda with captures.*pass the
// captured values as arguments expect: lambda
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
ferry::message send(int number) {
  return ferry::dumps(number);
}
#else
ferry::message send(int number) {
  return ferry::dumps([number] { return number; });
}
#endif
