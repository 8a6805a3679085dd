// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>

#include <string>

void work(int number, const std::string& text);

void start() {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::fn<&work>, 1, "text");
#else
  ferry::process child(ferry::fn<&work>, "text", "text");
#endif
}
