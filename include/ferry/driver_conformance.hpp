// SPDX-License-Identifier: BSL-1.0
// Tests that every driver of connections has to pass, for whoever writes one. Of no test framework.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/conformance.hpp>
#include <ferry/connection.hpp>
#include <ferry/deadline.hpp>
#include <ferry/driver.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>
#include <ferry/transfer.hpp>
#include <ferry/wait.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ferry::conformance {

/// Two connected ends over the driver that is tried. One that carries messages one way only has ends with
/// `access::write_only` and `access::read_only`.
struct ends {
  connection sender, receiver;
};
using make_ends = std::function<ends()>;

/// A test: it returns, or throws `failure` or what the driver throws.
struct driver_case {
  std::string_view name;
  void (*run)(const make_ends& make);
};

namespace cases {

inline std::vector<std::byte> some_bytes(std::size_t size, std::size_t seed = 0) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(((i + seed) * 2654435761U) >> 13U);
  return bytes;
}
inline void send(connection& to, const std::vector<std::byte>& bytes) {
  require(to.send_bytes_for(bytes, patience),
          "a message finds no room, and what came before has been received");
}
inline std::vector<std::byte> next_bytes(connection& from) {
  auto came = from.recv_bytes_for(patience);
  require(came.has_value(), "a message that was sent has not come");
  return std::move(*came);
}
inline void messages_arrive_whole_and_in_order(const make_ends& make) {
  ends both = make();
  constexpr std::array<std::size_t, 10> sizes{0, 1, 7, 100, 4096, 65535, 65536, 65537, 300'000, 5'000'000};
  std::future<void> sending = beside([&] {
    for (const std::size_t size : sizes) send(both.sender, some_bytes(size, size));
  });
  for (const std::size_t size : sizes)
    require(next_bytes(both.receiver) == some_bytes(size, size), "a message came other than it was sent");
  finish(sending);
}

inline void many_small_messages_arrive_in_order(const make_ends& make) {
  ends both = make();
  constexpr std::size_t count = 5000;
  std::future<void> sending = beside([&] {
    for (std::size_t i = 0; i < count; ++i)
      require(both.sender.send_for(i, patience), "a message finds no room, and others have been received");
  });
  for (std::size_t i = 0; i < count; ++i) {
    const auto came = both.receiver.recv_for<std::size_t>(patience);
    require(came == i, "messages came in another order, or one of them did not");
  }
  finish(sending);
}

inline void receiver_that_does_not_wait_gets_nothing_where_nothing_is(const make_ends& make) {
  ends both = make();
  require(!both.receiver.try_recv_message(), "a message came that was never sent");
  require(!both.receiver.recv_message_until(deadline::after(std::chrono::milliseconds(5))),
          "a message came that was never sent");
  require(!both.receiver.poll(), "there is something to receive, and nothing was sent");
  send(both.sender, some_bytes(3));
  require(next_bytes(both.receiver) == some_bytes(3), "a message was lost to a wait that gave up before it");
}

inline void handle_to_wait_for_is_readable_as_long_as_there_is_something(const make_ends& make) {
  ends both = make();
  const auto is_up = [&](auto time) {
    return !wait({waitable(handle_view(both.receiver.native_handle()))}, time).empty();
  };
  require(!is_up(std::chrono::seconds(0)), "the handle to wait for is up, and nothing was sent");
  send(both.sender, some_bytes(10));
  send(both.sender, some_bytes(20));
  require(is_up(patience), "the handle to wait for stays down, and a message was sent");
  require(both.receiver.poll(patience), "poll sees nothing, and a message was sent");
  require(next_bytes(both.receiver).size() == 10, "a look has taken a message");
  require(is_up(patience), "the handle to wait for is down, and another message waits");
  require(next_bytes(both.receiver).size() == 20, "a look has taken a message");
  require(!is_up(std::chrono::seconds(0)), "the handle to wait for is up, and all has been received");
}

inline void sleeping_receiver_is_woken_by_a_message(const make_ends& make) {
  ends both = make();
  for (std::size_t size = 0; size < 50; ++size) {
    std::future<void> receiving =
        beside([&] { require(next_bytes(both.receiver).size() == size, "a sleeper got another message"); });
    send(both.sender, some_bytes(size));
    finish(receiving);
  }
}

inline void sender_that_gives_up_has_sent_nothing_or_keeps_the_rest(const make_ends& make) {
  ends both = make();
  const std::vector<std::byte> each = some_bytes(10'000);
  constexpr std::size_t most = 20'000;
  std::size_t sent = 0;
  while (sent < most && both.sender.try_send_bytes(each)) ++sent;
  require(sent != most, "a carrier whose receiver does not take anything takes messages without end");
  require(sent != 0, "a carrier takes not even one small message that is not received at once");
  std::future<void> flushing =
      beside([&] { require(both.sender.flush_for(patience), "the rest of a message does not go out"); });
  for (std::size_t i = 0; i < sent; ++i)
    require(next_bytes(both.receiver) == each, "a message was torn by a send that gave up");
  finish(flushing);
  require(!both.receiver.try_recv_message(), "a send that said it gave up has sent its message");
  send(both.sender, some_bytes(1));
  require(next_bytes(both.receiver).size() == 1, "nothing arrives after a send that gave up");
}

inline void end_comes_after_all_that_was_sent(const make_ends& make) {
  ends both = make();
  send(both.sender, some_bytes(5));
  send(both.sender, some_bytes(6));
  both.sender.close();
  require(next_bytes(both.receiver).size() == 5, "what was sent before the end is lost");
  require(next_bytes(both.receiver).size() == 6, "what was sent before the end is lost");
  require(both.receiver.poll(patience), "the end does not count as something to receive");
  for (int again = 0; again < 2; ++again)
    require(throws<end_of_stream>([&] { both.receiver.recv_message_until(deadline::after(patience)); }),
            "the other end is closed, and that is no end_of_stream");
}

inline void sleeping_receiver_is_woken_by_the_end(const make_ends& make) {
  ends both = make();
  std::future<void> receiving = beside([&] {
    require(throws<end_of_stream>([&] { both.receiver.recv_message_until(deadline::after(patience)); }),
            "the other end is closed, and a sleeper got something else");
  });
  both.sender.close();
  finish(receiving);
}

inline void sender_learns_that_the_receiver_is_gone(const make_ends& make) {
  ends both = make();
  both.receiver.close();
  require(throws<end_of_stream>([&] {
            const deadline until = deadline::after(patience);
            while (!until.expired()) both.sender.send_bytes_until(some_bytes(10'000), until);
          }),
          "the other end is closed, and what is sent to it is taken");
}

inline void message_that_passes_the_limit_is_lost_alone(const make_ends& make) {
  ends both = make();
  both.receiver.options().limit.bytes = 1000;
  for (const std::size_t size : {std::size_t{1001}, std::size_t{100'000}, std::size_t{3'000'000}}) {
    std::future<void> sending = beside([&] {
      send(both.sender, some_bytes(size));
      send(both.sender, some_bytes(1000));
    });
    require(throws<limit_exceeded>([&] { next_bytes(both.receiver); }),
            "a message passes limits::bytes, and is no limit_exceeded");
    require(next_bytes(both.receiver) == some_bytes(1000), "with what passes a limit more was lost");
    finish(sending);
  }
}

inline void handles_arrive_or_are_refused_before_anything_is_sent(const make_ends& make) {
  ends both = make();
  std::pair<connection, connection> line = pipe();
  if (both.sender.carrier().carriage() != handle_carriage::direct) {
    require(throws<transfer_error>([&] { both.sender.send(line.second); }),
            "a driver that says it does not carry handles takes some");
    const message with_handles = dumps(line.second, {.mode = transfer::duplicate});
    if (both.sender.carrier().carriage() == handle_carriage::none)
      require(throws<transfer_error>(
                  [&] { both.sender.carrier().send(with_handles, deadline::after(patience)); }),
              "a driver that does not carry handles drops some");
    send(both.sender, some_bytes(4));
    require(next_bytes(both.receiver).size() == 4, "a refused message was sent in part");
    return;
  }
  {
    const message lent = dumps(line.second, {.mode = transfer::duplicate});
    require(both.sender.carrier().send(lent, deadline::after(patience)), "a message finds no room");
    require(lent.handles().size() == 1 && lent.handles().front().valid() && !lent.bytes().empty(),
            "a message that was lent is not what it was");
  }
  line.second.close();
  auto arrived = both.receiver.recv_for<connection>(patience);
  require(arrived.has_value(), "a message with a handle has not come");
  line.first.send(42);
  require(arrived->recv_for<int>(patience) == 42, "a handle arrived that is another object");
  arrived->close();
  require(throws<end_of_stream>([&] { line.first.recv_message_until(deadline::after(patience)); }),
          "a handle that was sent is still open in the driver");
}

inline void handles_that_no_receiver_takes_are_closed(const make_ends& make) {
  ends both = make();
  if (both.sender.carrier().carriage() != handle_carriage::direct) return;
  std::pair<connection, connection> line = pipe();
  both.sender.send(line.second);
  line.second.close();
  both.receiver.options().limit.handles = 0;
  require(throws<limit_exceeded>([&] { both.receiver.recv_message_until(deadline::after(patience)); }),
          "a message passes limits::handles, and is no limit_exceeded");
  require(throws<end_of_stream>([&] { line.first.recv_message_until(deadline::after(patience)); }),
          "a handle of a message that passes a limit stays open");
}

inline void both_directions_work_at_once(const make_ends& make) {
  ends both = make();
  if (!both.sender.readable() || !both.receiver.writable()) return;
  const auto talk = [](connection& with) {
    constexpr std::size_t count = 300;
    std::future<void> sending = beside([&with] {
      for (std::size_t i = 0; i < count; ++i) send(with, some_bytes(i * 50));
    });
    for (std::size_t i = 0; i < count; ++i)
      require(next_bytes(with) == some_bytes(i * 50), "a message came other than it was sent");
    finish(sending);
  };
  std::future<void> other = beside([&] { talk(both.receiver); });
  talk(both.sender);
  finish(other);
}

}  // namespace cases

/// All tests, each to be run by itself.
inline std::span<const driver_case> driver_cases() {
  using namespace cases;
  static constexpr std::array all{
      driver_case{"messages_arrive_whole_and_in_order", &messages_arrive_whole_and_in_order},
      driver_case{"many_small_messages_arrive_in_order", &many_small_messages_arrive_in_order},
      driver_case{"receiver_that_does_not_wait_gets_nothing_where_nothing_is",
                  &receiver_that_does_not_wait_gets_nothing_where_nothing_is},
      driver_case{"handle_to_wait_for_is_readable_as_long_as_there_is_something",
                  &handle_to_wait_for_is_readable_as_long_as_there_is_something},
      driver_case{"sleeping_receiver_is_woken_by_a_message", &sleeping_receiver_is_woken_by_a_message},
      driver_case{"sender_that_gives_up_has_sent_nothing_or_keeps_the_rest",
                  &sender_that_gives_up_has_sent_nothing_or_keeps_the_rest},
      driver_case{"end_comes_after_all_that_was_sent", &end_comes_after_all_that_was_sent},
      driver_case{"sleeping_receiver_is_woken_by_the_end", &sleeping_receiver_is_woken_by_the_end},
      driver_case{"sender_learns_that_the_receiver_is_gone", &sender_learns_that_the_receiver_is_gone},
      driver_case{"message_that_passes_the_limit_is_lost_alone",
                  &message_that_passes_the_limit_is_lost_alone},
      driver_case{"handles_arrive_or_are_refused_before_anything_is_sent",
                  &handles_arrive_or_are_refused_before_anything_is_sent},
      driver_case{"handles_that_no_receiver_takes_are_closed", &handles_that_no_receiver_takes_are_closed},
      driver_case{"both_directions_work_at_once", &both_directions_work_at_once},
  };
  return all;
}

}  // namespace ferry::conformance
