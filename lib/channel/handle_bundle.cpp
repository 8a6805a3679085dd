// Bundles of handles: a socket pair used as a bag.
#include "channel/handle_bundle.hpp"

#include <ferry/error.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace ferry::channel {

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

bool unpack_handles(unique_handle bundle, std::size_t most, std::vector<unique_handle>& into) {
  for (;;) {
    std::byte ignored{};
    const std::array<std::span<std::byte>, 1> part{std::span(&ignored, 1)};
    const auto got = os::receive_packet(bundle, part, into, deadline::immediately());
    if (got && got->handles_lost) return false;
    if (!got || got->bytes == 0 || into.size() > most) return true;
  }
}

}  // namespace ferry::channel
