// SPDX-License-Identifier: BSL-1.0
// Copying large blocks.
#include <ferry/detail/base/copy.hpp>

#include <algorithm>

namespace ferry::detail {

void copy_in_pieces(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  while (count != 0) {
    const std::size_t piece = std::min(count, copied_at_once);
    std::memcpy(to, from, piece);
    to += piece;
    from += piece;
    count -= piece;
  }
}

}  // namespace ferry::detail
