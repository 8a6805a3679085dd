// SPDX-License-Identifier: BSL-1.0
// The place of an item that was taken under a lease.
#pragma once

#include <cstdint>

namespace ferry::detail {

struct lease_ticket {
  std::uint32_t ring = 0;
  std::uint32_t handles = 0;
  std::uint64_t at = 0;      ///< its place in the ring
  std::uint64_t serial = 0;  ///< of the item; 0: none
};

}  // namespace ferry::detail
