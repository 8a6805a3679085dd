// SPDX-License-Identifier: BSL-1.0
// A handler takes what it is for.
#include <ferry/any_object.hpp>

#include <string>

void prepare(ferry::dispatcher& on) {
#ifdef FERRY_CONTROL
  on.type<std::string>([](const std::string&) {});
#else
  on.type<std::string>([](int) {});
#endif
}
