// expect: it is a raw pointer, which says neither who owns it nor how much it points to
#include <ferry/process.hpp>

#include <memory>

#ifdef FERRY_CONTROL
void work(std::unique_ptr<int> number);
#else
void work(int* number);
#endif

void start() {
  ferry::process child(ferry::fn<&work>, nullptr);
}
