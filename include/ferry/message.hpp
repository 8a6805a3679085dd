// SPDX-License-Identifier: BSL-1.0
// Messages: bytes and the handles that belong to them.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
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

/// A message within a message: it arrives as it is, and is read by who wants to.
template <>
struct reducer<message> {
  static constexpr std::string_view name = "ferry.message";
  static std::tuple<std::span<const std::byte>, const std::vector<unique_handle>&> reduce(
      const message& whole) noexcept {
    return {whole.bytes(), whole.handles()};
  }
  static message rebuild(const std::vector<std::byte>& bytes, std::vector<unique_handle> handles) {
    buffer copy;
    copy.append(bytes.data(), bytes.size());
    return message(std::move(copy), std::move(handles));
  }
};

}  // namespace ferry
