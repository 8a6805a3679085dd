// A pointer to a function means nothing in another process.
// expect: ferry: this type .* cannot cross to another process: it is a pointer to a
// function.*ferry::fn<&function> expect: void \(\*\)\(int\)
#include <ferry/archive.hpp>

struct task {
  void (*work)(int);
  int argument;
};
struct named_task {
  std::string work;
  int argument;
};

#ifdef FERRY_CONTROL
ferry::message send(const named_task& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const task& value) {
  return ferry::dumps(value);
}
#endif
