// SPDX-License-Identifier: BSL-1.0
// More handles than one system call takes, as one handle.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include "os/handle.hpp"

#include <optional>
#include <span>
#include <vector>

namespace ferry::detail {

/// How many handles of a message ride as they are; more go as a bundle. One is for the carrier's own.
inline constexpr std::size_t most_direct_handles = 252;

/// A socket that holds `handles`: the reading end of a pair whose queue has been filled with them, so that a
/// message with any number of handles remains one packet.
/// @returns nothing when `until` passed
/// @throws transfer_error  when they are more than the queue of a socket holds (about 60,000)
std::optional<unique_handle> pack_handles(std::span<const handle_view> handles, deadline until);

/// What the receiver makes of the handles that came with a message: the message's own, out of their bundle if
/// they came in one. Never blocks.
/// @param announced  how many the message says it has
/// @param lost  whether some could not be taken
/// @throws system_error  `std::errc::too_many_files_open` when some are lost; names the limit and the cure
/// @throws archive_error  when they are not as many as announced
std::vector<unique_handle> claim_handles(os::received_handles came, std::size_t announced, bool lost);

[[noreturn]] void throw_wrong_handle_count(std::size_t came, std::size_t announced);

}  // namespace ferry::detail
