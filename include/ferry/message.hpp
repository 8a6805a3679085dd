// SPDX-License-Identifier: BSL-1.0
// What crosses: bytes and the handles that belong to them.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>

#include <vector>

namespace ferry {

/// Bytes and OS handles that travel together. Made by `dumps`, read by `loads`, moved by carriers. It owns
/// duplicates of its handles: dropping it closes them. Movable, not copyable; not thread-safe.
class message {
 public:
  message() = default;
  explicit message(buffer bytes, std::vector<unique_handle> handles = {}) noexcept
      : buffer_(std::move(bytes)), handles_(std::move(handles)) {}

  std::span<const std::byte> bytes() const noexcept { return buffer_.bytes(); }
  const std::vector<unique_handle>& handles() const noexcept { return handles_; }

  /// For carriers: takes the parts out; the message is empty afterwards.
  buffer take_buffer() noexcept { return std::move(buffer_); }
  std::vector<unique_handle> take_handles() noexcept { return std::move(handles_); }
  const buffer& storage() const noexcept { return buffer_; }

 private:
  buffer buffer_;
  std::vector<unique_handle> handles_;
};

}  // namespace ferry
