// Bundles of handles: a socket pair used as a bag.
#include "channel/handle_bundle.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace ferry::channel {
namespace {

/// Duplicates of all that is in a bundle. They stay there, for whoever gets the bundle after this process has
/// been killed. @returns whether there was room for all of them
bool unpack_handles(handle_view bundle, std::size_t most, std::vector<unique_handle>& into) {
  os::peek_one_after_the_other(bundle);
  for (std::size_t before = 0;;) {
    if (!os::peek_handles(bundle, into)) return false;
    if (into.size() == std::exchange(before, into.size()) || into.size() > most) return true;
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
    // Nobody takes from the bundle yet, so waiting for room in it is of no use. What helps is to let go of
    // it: the budget of handles in flight counts its own handles too.
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

std::vector<unique_handle> claim_handles(std::vector<unique_handle> came, std::size_t announced, bool lost) {
  if (announced > most_direct_handles && came.size() == 1 && !lost) {
    const unique_handle bundle = std::move(came.front());
    came.clear();
    lost = !unpack_handles(bundle, announced, came);
  }
  if (lost) {
    os::throw_system_error(EMFILE, "receive a message with " + std::to_string(announced) +
                                       " handles (the message is lost, the connection usable)");
  }
  if (came.size() != announced) {
    throw archive_error("a message came with " + std::to_string(came.size()) + " handles, but announces " +
                        std::to_string(announced));
  }
  return came;
}

}  // namespace ferry::channel
