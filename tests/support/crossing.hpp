// Sending a value through its reducer and back, without a carrier.
#pragma once

#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <tuple>
#include <utility>

namespace ferry::test {

/// What the receiver of an argument of `rebuild` gets: a handle arrives as a duplicate of its own.
inline unique_handle arrived(handle_view handle) {
  return duplicate(handle);
}
template <class T>
T arrived(T value) {
  return value;
}

/// The value as it arrives where it is sent.
template <class T>
T cross(const T& value) {
  return std::apply([](auto... sent) { return reducer<T>::rebuild(arrived(std::move(sent))...); },
                    reducer<T>::reduce(value));
}

}  // namespace ferry::test
