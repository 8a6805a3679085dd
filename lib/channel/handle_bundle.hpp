// More handles than one system call takes, as one handle.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>

#include <optional>
#include <span>
#include <vector>

namespace ferry::channel {

/// A socket that holds `handles`: the reading end of a pair whose queue has been filled with them, so that a
/// message with any number of handles remains one packet.
/// @returns nothing when `until` passed
/// @throws transfer_error  when they are more than the queue of a socket holds (about 60,000)
std::optional<unique_handle> pack_handles(std::span<const handle_view> handles, deadline until);

/// Takes everything out of a bundle. Never blocks.
/// @returns whether all that were in it could be taken
bool unpack_handles(unique_handle bundle, std::size_t most, std::vector<unique_handle>& into);

}  // namespace ferry::channel
