// SPDX-License-Identifier: BSL-1.0
// A text is no span of bytes.
#include <ferry/connection.hpp>

#include <span>
#include <string>

#ifdef FERRY_CONTROL
void send(ferry::connection& through, const std::string& text) {
  through.send_bytes(std::as_bytes(std::span(text)));
}
#else
void send(ferry::connection& through, const std::string& text) {
  through.send_bytes(text);
}
#endif
