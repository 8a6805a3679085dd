// SPDX-License-Identifier: BSL-1.0
// Messages: bytes and the handles that belong to them.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ferry {

/// The bytes and handles of a message that stay where they are: what a carrier is given to send a copy of.
/// Valid as long as they are.
struct message_view {
  std::span<const std::byte> bytes = {};
  std::span<const unique_handle> handles = {};
  std::uint32_t format = 0;  ///< see `message::format`
};

/// Bytes and OS handles that travel together. Made by `dumps`, read by `loads`, moved by carriers. It owns
/// duplicates of its handles: dropping it closes them. Movable, not copyable; not thread-safe.
class message {
 public:
  message() = default;
  /// @param format  see there
  explicit message(buffer bytes, std::vector<unique_handle> handles = {}, std::uint32_t format = 0) noexcept
      : buffer_(std::move(bytes)), handles_(std::move(handles)), format_(format) {}

  std::span<const std::byte> bytes() const noexcept { return buffer_.bytes(); }
  const std::vector<unique_handle>& handles() const noexcept { return handles_; }
  /// How the bytes are to be read where they do not say it themselves: of what goes through a queue or to a
  /// worker of a pool, whose two ends know what type it holds. 0 for what `dumps` makes, which is all that
  /// connections carry.
  std::uint32_t format() const noexcept { return format_; }
  operator message_view() const noexcept { return {bytes(), handles_, format_}; }

  /// For carriers: takes the parts out; the message is empty afterwards.
  buffer take_buffer() noexcept { return std::move(buffer_); }
  std::vector<unique_handle> take_handles() noexcept { return std::move(handles_); }
  const buffer& storage() const noexcept { return buffer_; }
  /// For carriers: the parts, to be filled again, so that their memory is.
  buffer& storage() noexcept { return buffer_; }
  std::vector<unique_handle>& handles() noexcept { return handles_; }
  void set_format(std::uint32_t format) noexcept { format_ = format; }

 private:
  buffer buffer_;
  std::vector<unique_handle> handles_;
  std::uint32_t format_ = 0;
};

/// A message within a message: it arrives as it is, and is read by who wants to.
template <>
struct reducer<message> {
  static constexpr std::string_view name = "ferry.message";
  static std::tuple<std::span<const std::byte>, const std::vector<unique_handle>&, std::uint32_t> reduce(
      const message& whole) noexcept {
    return {whole.bytes(), whole.handles(), whole.format()};
  }
  static message rebuild(const std::vector<std::byte>& bytes, std::vector<unique_handle> handles,
                         std::uint32_t format) {
    buffer copy;
    copy.append(bytes.data(), bytes.size());
    return message(std::move(copy), std::move(handles), format);
  }
};

}  // namespace ferry
