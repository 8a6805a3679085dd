// SPDX-License-Identifier: BSL-1.0
// A text is no span of bytes, nor room for them.
#include <ferry/connection.hpp>

#include <span>
#include <string>

#ifdef FERRY_CONTROL
std::size_t receive(ferry::connection& from, std::string& text) {
  return from.recv_bytes_into(std::as_writable_bytes(std::span(text)));
}
#else
std::size_t receive(ferry::connection& from, std::string& text) {
  return from.recv_bytes_into(text);
}
#endif
