// SPDX-License-Identifier: BSL-1.0
// A value written and read again, and bytes of a message to be changed.
#pragma once

#include <ferry/archive.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ferry::test {

/// The value as it arrives.
template <class T>
T crossed(const T& value, const archive_options& options = {}) {
  return loads<T>(dumps(value, options), options);
}

/// True if the value arrives equal.
template <class T>
bool crosses(const T& value) {
  return crossed(value) == value;
}

/// The bytes of a message without handles.
template <class T>
std::vector<std::byte> bytes_of(const T& value, const archive_options& options = {}) {
  const message made = dumps(value, options);
  return {made.bytes().begin(), made.bytes().end()};
}

/// Where the body begins in a message without overrides: after the head and the label.
inline std::size_t body_of(const std::vector<std::byte>& bytes) {
  return 32 + (std::to_integer<std::size_t>(bytes.at(6)) | std::to_integer<std::size_t>(bytes.at(7)) << 8U);
}

/// The message of `value` with another body.
template <class T>
std::vector<std::byte> with_body(const T& value, std::initializer_list<int> body) {
  std::vector<std::byte> bytes = bytes_of(value);
  bytes.resize(body_of(bytes));
  for (const int byte : body) bytes.push_back(static_cast<std::byte>(byte));
  for (std::size_t i = 0; i != 8; ++i)
    bytes[16 + i] = static_cast<std::byte>(i < sizeof(std::size_t) ? body.size() >> (8 * i) : 0);
  return bytes;
}

/// The text of the exception that `action` throws, which must be an E; "nothing" if it throws none.
template <class E>
std::string text_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ferry::test

/// `action` throws an E with a text in which `part` occurs.
#define CHECK_THROWS_SAYING(E, part, ...)                                                                    \
  do {                                                                                                       \
    const std::string said = ferry::test::text_of<E>([&] { __VA_ARGS__; });                                  \
    BOOST_CHECK_MESSAGE(ferry::test::contains(said, part), #__VA_ARGS__ " says '" + said + "', not " #part); \
  } while (false)
