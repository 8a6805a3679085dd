// SPDX-License-Identifier: BSL-1.0
// A queue of messages that is a packet socket.
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/driver.hpp>
#include <ferry/simple_queue.hpp>

#include "channel/local_driver.hpp"
#include "os/park.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "queue/checked_end.hpp"

#include <string>

namespace ferry::detail {

struct message_socket::state {
  state(unique_handle reading_end, unique_handle writing_end, const archive_options& with)
      : reader(channel::make_local_driver(std::move(reading_end))),
        writer(channel::make_local_driver(std::move(writing_end))),
        options(with) {
    options.memory = writer->memory();
  }

  std::unique_ptr<driver> reader, writer;
  archive_options options;
};

namespace {

constexpr const char* no_end = "a simple_queue arrived whose end is no packet socket";

}  // namespace

message_socket::message_socket(const archive_options& options) {
  auto [reader, writer] = os::packet_socket_pair();
  // Of several that sleep in a receiving call the system wakes one for a packet. Where that one is being
  // killed as it falls asleep, the wake-up dies with it: so no process sleeps there for longer than a
  // heartbeat, but then in a wait from which all are woken.
  os::limit_receiving_sleep(reader, os::heartbeat);
  state_ = std::make_shared<state>(std::move(reader), std::move(writer), options);
}

message_socket::message_socket(unique_handle reader, unique_handle writer, const archive_options& options)
    : state_(std::make_shared<state>(checked_end(std::move(reader), no_end),
                                     checked_end(std::move(writer), no_end), options)) {}

message_socket::state& message_socket::held() const {
  return detail::held(state_, "simple_queue");
}

const archive_options& message_socket::packing() const {
  return held().options;
}

bool message_socket::put(message what, deadline until) {
  try {
    return held().writer->hand_over(what, until);
  } catch (const end_of_stream&) {
    throw queue_closed("put into a simple_queue that is closed");
  }
}

std::optional<message> message_socket::get(deadline until) {
  try {
    return held().reader->receive(held().options.limit, until);
  } catch (const end_of_stream&) {
    throw end_of_stream("the simple_queue is closed, and everything has been taken");
  }
}

bool message_socket::empty() const {
  const handle_view reader = held().reader->wait_handle();
  // Asked first: after it nothing more is put.
  const bool is_closed = closed();
  if (os::holds_packet(reader)) return false;
  if (is_closed) throw end_of_stream("the simple_queue is closed, and everything has been taken");
  return true;
}

bool message_socket::closed() const {
  // At the reading end: it is the last to know, and what was put until then is in the queue.
  return os::hung_up(held().reader->wait_handle());
}

void message_socket::close() {
  // One call of the system, which wakes those who sleep at either end.
  os::shut_down(held().writer->wait_handle(), os::direction::both);
}

native_handle_type message_socket::native_handle() const {
  return held().reader->wait_handle().native();
}

std::tuple<handle_view, handle_view, const archive_options&> message_socket::parts() const {
  return {held().reader->wait_handle(), held().writer->wait_handle(), held().options};
}

}  // namespace ferry::detail
