// SPDX-License-Identifier: BSL-1.0
// The fixed head of every message; docs/wire-format.md describes it.
#pragma once

#include "base/peer_memory.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ferry::detail {

static_assert(std::endian::native == std::endian::little,
              "numbers go on the wire as they are in memory: little-endian");

/// 32 bytes, followed by the mask of overrides if `flag_overrides` is set (8 bytes), the label of the type,
/// the body, and the versions of the classes in it that have one.
struct envelope {
  static constexpr std::array<char, 4> magic_bytes{'F', 'R', 'Y', '1'};
  static constexpr std::uint8_t current_version = 2;
  static constexpr std::uint8_t flag_overrides = 1;  ///< a mask of overrides follows
  static constexpr std::uint8_t flag_cut = 2;        ///< the label is the beginning of a longer one

  std::array<char, 4> magic = magic_bytes;
  std::uint8_t version = current_version;
  std::uint8_t flags = 0;
  std::uint16_t name_size = 0;  ///< of the label
  std::uint64_t type_hash = 0;  ///< of the whole label
  std::uint64_t body_size = 0;
  std::uint32_t handle_count = 0;
  std::uint32_t version_count = 0;
};
static_assert(sizeof(envelope) == 32);

/// 12 bytes in the table after the body.
struct [[gnu::packed]] class_version {
  std::uint64_t type_hash = 0;
  std::uint32_t version = 0;
};
static_assert(sizeof(class_version) == 12);

/// How many handles the bytes of a message say that they come with; 0 if they are no message.
inline std::size_t envelope_handle_count(std::span<const std::byte> message) {
  if (message.size() < sizeof(envelope)) return 0;
  const auto head = copy_out<envelope>(message);
  return head.magic == envelope::magic_bytes ? head.handle_count : 0;
}

}  // namespace ferry::detail
