// SPDX-License-Identifier: BSL-1.0
// A message without its envelope.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>

#include <cstdint>
#include <vector>

namespace ferry::detail {

/// What `forking_oarchive` writes for a carrier whose two ends know from elsewhere what type it holds: the
/// body, and in `format` the rest of what an envelope would say.
struct bare_message {
  static constexpr std::uint32_t has_overrides = std::uint32_t{1} << 31U;  ///< begins with their mask
  static constexpr std::uint32_t version_count = has_overrides - 1;        ///< of classes, at its end

  buffer bytes;
  std::vector<unique_handle> handles;
  std::uint32_t format = 0;
};

}  // namespace ferry::detail
