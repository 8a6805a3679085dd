// SPDX-License-Identifier: BSL-1.0
// The common part of all drivers: the budgets of a message.
#include "channel/driver.hpp"

#include <string>

namespace ferry::channel {

message_too_large::message_too_large(std::size_t size, std::size_t limit)
    : limit_exceeded("a message of " + std::to_string(size) + " bytes passes the limit of " +
                     std::to_string(limit) + " bytes: raise archive_options::limit.bytes on both sides"),
      size_(size) {}

void throw_message_too_large(std::size_t size, std::size_t limit) {
  throw message_too_large(size, limit);
}

void throw_too_many_handles(std::size_t count, std::size_t limit) {
  throw limit_exceeded("a message with " + std::to_string(count) + " handles passes the limit of " +
                       std::to_string(limit) + ": raise archive_options::limit.handles on both sides");
}

void check_limits(std::size_t bytes, std::size_t handles, const limits& limit) {
  if (bytes > limit.bytes) throw_message_too_large(bytes, limit.bytes);
  if (handles > limit.handles) throw_too_many_handles(handles, limit.handles);
}

}  // namespace ferry::channel
