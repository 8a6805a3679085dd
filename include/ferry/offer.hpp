// SPDX-License-Identifier: BSL-1.0
// Offers: handles handed over by bytes alone.
#pragma once

#include <ferry/handle.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace ferry {

/// A ticket for one handle, for media that take only bytes: a plain pipe, a file. The process that it
/// reaches, on the same machine, takes the handle with `take_offer`, once. It is a plain value, and a secret:
/// any process that reads it and may trace its maker can take the handle.
struct offer {
  std::int64_t process = 0;  ///< who offers
  std::uint64_t started =
      0;                  ///< when that process started, its id may pass to another; 0: /proc does not say
  std::int32_t box = -1;  ///< under which number it holds the handle
  std::array<std::byte, 16> token{};

  bool operator==(const offer&) const = default;
};

/// The most offers of one process that may wait to be taken at the same time. Each holds one descriptor.
inline constexpr std::size_t most_offers = 1024;

/// Offers a duplicate of `handle`. It waits, alive even if `handle` is closed, until it is taken or
/// withdrawn, or this process ends; one taken is let go of at the next offer. Forked children do not offer
/// what their parent does. Thread-safe; does not block.
/// @throws transfer_error  when `most_offers` wait already
/// @throws system_error  out of descriptors
offer make_offer(handle_view handle);

/// Takes an offered handle from the process that offers it. Of all who try, exactly one gets it. Thread-safe;
/// does not block.
/// @throws transfer_error  when it was taken already or withdrawn, the process has ended, or the system does
///         not let this process have it (with Yama's ptrace_scope, by default on Debian and Ubuntu, only
///         ancestors of the process, unless it calls prctl(PR_SET_PTRACER)); says which
/// @throws system_error  out of descriptors; the offer can still be taken
unique_handle take_offer(const offer& offered);

/// Takes back an offer of this process. Thread-safe; does not block.
/// @returns false if it was taken already, or was not made by this process
bool withdraw_offer(const offer& offered);

}  // namespace ferry
