// SPDX-License-Identifier: BSL-1.0
// Errors of objects that were moved from and hold nothing.
#pragma once

#include <memory>

namespace ferry::detail {

/// Every object of the library that can be moved is empty when it was moved from: it can be destroyed,
/// assigned to, moved, swapped, and asked whether it is valid; all else throws this.
/// @param what  the object's kind, as in "queue"
/// @throws error  "this queue is empty: it was moved from"
[[noreturn]] void throw_empty(const char* what);

/// What a pointer of such an object points to.
template <class T>
T& held(T* pointer, const char* what) {
  if (pointer == nullptr) [[unlikely]]
    throw_empty(what);
  return *pointer;
}
template <class T>
T& held(const std::shared_ptr<T>& pointer, const char* what) {
  return held(pointer.get(), what);
}

}  // namespace ferry::detail
