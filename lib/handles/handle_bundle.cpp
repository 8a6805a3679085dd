// SPDX-License-Identifier: BSL-1.0
// Bundles of handles: a socket pair used as a bag.
#include "handles/handle_bundle.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>

namespace ferry::detail {
namespace {

bool is_packet_socket(handle_view handle) {
  try {
    return os::classify(handle) == os::endpoint::packet_socket;
  } catch (const system_error&) {
    return false;
  }
}

/// Discards what is left in a bundle. The system would close it with the bundle, and let it linger.
void discard_the_rest(handle_view bundle) {
  for (;;) {
    os::received_handles more;
    if (!os::peek_handles(bundle, more.list) || more.list.empty()) return;
  }
}

/// Duplicates of all that is in a bundle. They stay there, for the process that gets the bundle after this
/// one has been killed. @returns whether there was room for all of them
bool unpack_handles(handle_view bundle, std::vector<unique_handle>& into, std::size_t most) {
  os::peek_one_after_the_other(bundle);
  for (std::size_t before = 0;;) {
    if (!os::peek_handles(bundle, into)) return false;
    if (into.size() == std::exchange(before, into.size())) return true;
    if (into.size() > most) {
      discard_the_rest(bundle);
      return true;
    }
  }
}

}  // namespace

std::optional<unique_handle> pack_handles(std::span<const handle_view> handles, deadline until) {
  constexpr std::byte one_byte{};  // a packet without bytes would read as the end of the stream
  const std::array<std::span<const std::byte>, 1> part{std::span(&one_byte, 1)};
  os::retry_pause pause;
  for (;;) {
    auto [from, into] = os::packet_socket_pair();
    auto rest = handles;
    // No process takes from the bundle yet, so waiting for room in it does not help. What helps is to let go
    // of it: the budget of handles in flight counts its own handles too.
    while (!rest.empty()) {
      const auto batch = rest.first(std::min(rest.size(), os::most_handles_per_call));
      if (!os::send_packet(into, part, batch, deadline::immediately())) break;
      rest = rest.subspan(batch.size());
    }
    if (rest.empty()) return std::move(from);
    if (!os::wait_writable(into, deadline::immediately())) {
      throw transfer_error(
          "a message with " + std::to_string(handles.size()) +
          " handles holds more than a socket can keep in flight: send them in several messages");
    }
    from.reset();
    into.reset();
    if (!pause(until)) return std::nullopt;
  }
}

std::vector<unique_handle> claim_handles(os::received_handles came, std::size_t announced, bool lost) {
  if (announced > 1 && came.list.size() == 1 && !lost) {
    const os::received_handles bundle = std::exchange(came, {});
    if (!is_packet_socket(bundle.list.front())) throw_wrong_handle_count(1, announced);
    lost = !unpack_handles(bundle.list.front(), came.list, announced);
  }
  if (lost) {
    os::throw_system_error(std::errc::too_many_files_open,
                           "receive a message with " + std::to_string(announced) +
                               " handles (the message is lost, the connection usable)");
  }
  if (came.list.size() != announced) throw_wrong_handle_count(came.list.size(), announced);
  return came.take();
}

void throw_wrong_handle_count(std::size_t came, std::size_t announced) {
  throw archive_error("a message came with " + std::to_string(came) + " handles, but announces " +
                      std::to_string(announced));
}

}  // namespace ferry::detail
