// SPDX-License-Identifier: BSL-1.0
// The action of a barrier is named, and called without arguments.
#include <ferry/barrier.hpp>
#include <ferry/fn.hpp>

void clear();

#ifdef FERRY_CONTROL
struct counted {
  int count;
  void operator()() const { clear(); }
};
void prepare() {
  const ferry::barrier<ferry::fn_t<&clear>> named(2, ferry::fn<&clear>);
  const ferry::barrier plain(2, [] { clear(); });
  const ferry::barrier with_state(2, counted{1});
}
#else
struct counted {
  void operator()(int);
};
void prepare() {
  const ferry::barrier<void (*)()> pointer(2, &clear);
  const ferry::barrier<counted> wrong(2, counted());
}
#endif
