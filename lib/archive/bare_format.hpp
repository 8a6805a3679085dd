// SPDX-License-Identifier: BSL-1.0
// The format word of a message without an envelope.
#pragma once

#include <cstdint>

namespace ferry::detail {

/// What `message::format` says of a message that has no envelope: the rest of what that would say.
struct bare_format {
  static constexpr std::uint32_t has_overrides = std::uint32_t{1} << 31U;  ///< begins with their mask
  static constexpr std::uint32_t version_count = has_overrides - 1;        ///< of classes, at its end
};

}  // namespace ferry::detail
