// SPDX-License-Identifier: BSL-1.0
// Nor does an allocator that is made with arguments.
#include <ferry/archive.hpp>

#include <memory>
#include <utility>
#include <vector>

template <class T>
struct from_arena : std::allocator<T> {
  template <class Other>
  struct rebind {
    using other = from_arena<Other>;
  };
#ifdef FERRY_CONTROL
  from_arena() = default;
#endif
  explicit from_arena(void* arena) : arena(arena) {}
  void* arena = nullptr;
};
using numbers = std::vector<int, from_arena<int>>;

numbers receive(ferry::message from, void* arena) {
#ifdef FERRY_CONTROL
  numbers there{from_arena<int>(arena)};
  ferry::loads_into(there, std::move(from));
  return there.empty() ? ferry::loads<numbers>(ferry::dumps(there)) : there;
#else
  static_cast<void>(arena);
  return ferry::loads<numbers>(std::move(from));
#endif
}
