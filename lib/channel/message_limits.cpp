// SPDX-License-Identifier: BSL-1.0
// The budgets of a message, as carriers look at them.
#include "channel/message_limits.hpp"

#include <ferry/driver.hpp>

#include <string>

namespace ferry {

channel::message_too_large::message_too_large(std::size_t size, std::size_t limit)
    : limit_exceeded("a message of " + std::to_string(size) + " bytes passes the limit of " +
                     std::to_string(limit) + " bytes: raise archive_options::limit.bytes on both sides"),
      size_(size) {}

void check_limits(std::size_t bytes, std::size_t handles, const limits& limit) {
  if (bytes > limit.bytes) throw channel::message_too_large(bytes, limit.bytes);
  if (handles > limit.handles)
    throw limit_exceeded("a message with " + std::to_string(handles) + " handles passes the limit of " +
                         std::to_string(limit.handles) +
                         ": raise archive_options::limit.handles on both sides");
}

}  // namespace ferry
