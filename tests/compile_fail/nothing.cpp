// SPDX-License-Identifier: BSL-1.0
// There is nothing in void.
#include <ferry/archive.hpp>

#include <variant>

#ifdef FERRY_CONTROL
using given = std::monostate;
#else
using given = void;
#endif

void receive(ferry::message from) {
  ferry::loads<given>(std::move(from));
}
