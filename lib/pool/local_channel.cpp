// SPDX-License-Identifier: BSL-1.0
// Both ends of a channel: what is put where.
#include "pool/local_channel.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"

#include <cstddef>
#include <limits>
#include <utility>

namespace ferry::detail {
namespace {

// Where in the notes of the channel of answers a worker says what it is doing.
constexpr std::size_t is_ready = 0, run_id = 1, item_number = 2, begun_at = 3;

// A worker takes what its pool has made, which has looked at the limits.
constexpr limits unlimited{.bytes = std::numeric_limits<std::size_t>::max(),
                           .handles = std::numeric_limits<std::size_t>::max()};

}  // namespace

std::pair<unique_handle, unique_handle> pool_end::os_socket_pair() {
  os::handle_pair sockets = os::packet_socket_pair();
  return {std::move(sockets.first), std::move(sockets.second)};
}

channel_handles pool_end::seat(const doorbell& bell) const {
  return {duplicate(tasks_.memory()), duplicate(answers_.memory()), duplicate(workers_handles_),
          duplicate(bell.memory()), duplicate(bell.event())};
}

worker_progress pool_end::progress() const noexcept {
  const auto notes = answers_.notes();
  worker_progress told;
  told.ready = notes[is_ready].load(std::memory_order_acquire) != 0;
  told.run = notes[run_id].load(std::memory_order_acquire);
  told.item = static_cast<std::uint32_t>(notes[item_number].load(std::memory_order_acquire));
  told.begun_at = notes[begun_at].load(std::memory_order_acquire);
  return told;
}

bool pool_end::holds_handles() const noexcept {
  try {
    return !handles_->empty();
  } catch (const error&) {
    return true;
  }
}

local_worker_endpoint::local_worker_endpoint(channel_handles seat)
    : bell_(std::move(seat.bell_memory), std::move(seat.bell_event)),
      handles_(std::make_shared<item_handles>(std::move(seat.handles))),
      tasks_(std::move(seat.tasks), record_channel::sharing::recallable, handles_),
      answers_(std::move(seat.answers), record_channel::sharing::one_to_one, handles_) {}

bool local_worker_endpoint::next(message& into) {
  if (!std::exchange(was_ready_, true)) bell_.none_fails();
  try {
    return tasks_.get(into, deadline::never(), unlimited);
  } catch (const end_of_stream&) {
    return false;
  }
}

progress_words local_worker_endpoint::notes() noexcept {
  const auto notes = answers_.notes();
  return {notes[is_ready], notes[run_id], notes[item_number], notes[begun_at]};
}

void local_worker_endpoint::answer(const message_view& what) {
  answers_.put(what, deadline::never());
  bell_.ring();
}

}  // namespace ferry::detail
