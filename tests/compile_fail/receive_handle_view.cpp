// SPDX-License-Identifier: BSL-1.0
// A borrowed handle that arrives would have no owner.
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
ferry::unique_handle receive(ferry::message from) {
  return ferry::loads<ferry::unique_handle>(std::move(from));
}
#else
ferry::handle_view receive(ferry::message from) {
  return ferry::loads<ferry::handle_view>(std::move(from));
}
#endif
