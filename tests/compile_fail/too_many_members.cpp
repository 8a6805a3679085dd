// SPDX-License-Identifier: BSL-1.0
// More members than can be told apart.
#include <ferry/archive.hpp>

#include <array>

struct ten {
  int a, b, c, d, e, f, g, h, i, j;
};
#ifdef FERRY_CONTROL
struct crowded {
  std::array<ten, 11> all;
};
#else
#  define TEN(x) x##0, x##1, x##2, x##3, x##4, x##5, x##6, x##7, x##8, x##9
struct crowded {
  int TEN(a), TEN(b), TEN(c), TEN(d), TEN(e), TEN(f), TEN(g), TEN(h), TEN(i), TEN(j), last;
};
#endif

crowded receive(ferry::message from) {
  return ferry::loads<crowded>(std::move(from));
}
