// SPDX-License-Identifier: BSL-1.0
// The budget of bytes of a message, and what passes it.
#pragma once

#include <ferry/error.hpp>

#include <cstddef>

namespace ferry::channel {

/// A message passes the limit of bytes, wherever that comes from.
class message_too_large : public limit_exceeded {
 public:
  message_too_large(std::size_t size, std::size_t limit);
  /// Of the message, in bytes.
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
};

}  // namespace ferry::channel
