// SPDX-License-Identifier: BSL-1.0
// Refusing a piece of code each thing that it asks the system or the heap for, one after the other.
#pragma once

#include <cstddef>
#include <functional>

namespace ferry::test {

/// What one thing is tried with.
struct attempt {
  std::function<void()> operation;  ///< one of the things it asks for is refused
  /// What must hold after it. @param done  whether the operation came to its end, in spite of the refusal or
  ///                                       because it did not ask for that much
  std::function<void(bool done)> aftermath;
};

/// Runs an operation again and again: the first time without anything refused, and then with the first, the
/// second, ... of all that it asks for refused once: a descriptor, memory, shared memory, a mapping, a block
/// of the heap. Fails the test when something else than a `ferry::error` or a `std::bad_alloc` comes of it,
/// or when a descriptor is left or lost.
/// @param prepare  makes new objects for each attempt
/// @returns how many things were refused
std::size_t refuse_each(const std::function<attempt()>& prepare);

}  // namespace ferry::test
