// SPDX-License-Identifier: BSL-1.0
// A process that shares an end of a connection is killed at any instruction of sending or receiving.
#include <ferry/connection.hpp>

#include "os/socket.hpp"
#include "support/killing.hpp"

#include <memory>

using namespace ferry;
using namespace ferry::test;

namespace {

constexpr std::size_t few = 1;
constexpr std::size_t many = 300;  // in a bundle

struct line {
  connection sender, receiver;

  line() { std::tie(sender, receiver) = pipe(); }
};

/// One that has carried a message: where that was large, there is memory in the pool that both processes
/// have, for the next message to use again.
std::shared_ptr<line> used_line(std::size_t size) {
  auto made = std::make_shared<line>();
  made->sender.send(parcel(0, size, 0));
  check_parcel(made->receiver.recv<parcel>(), 0);
  return made;
}

void check_ended(line& ends) {
  ends.sender.close();
  BOOST_CHECK_THROW(ends.receiver.recv_bytes_for(patience), end_of_stream);
}

/// The survivors get the whole message or nothing, and then whatever others send.
void check_after_sender(line& ends, std::size_t size, std::size_t handles) {
  if (const auto first = ends.receiver.try_recv<parcel>()) {
    check_parcel(*first, 1);
    BOOST_TEST(first->handles.size() == handles);
  }
  for (std::uint32_t number = 2; number < 4; ++number) {
    BOOST_REQUIRE(ends.sender.send_for(parcel(number, size, few), patience));
    check_parcel(take(ends.receiver), number);
  }
  check_ended(ends);
}

void kill_while_sending(std::size_t size, std::size_t handles) {
  report(kill_everywhere([=] {
    const auto ends = used_line(size);
    const auto what = std::make_shared<parcel>(1, size, handles);
    return deed{[=] { ends->sender.send(*what); }, [=] { check_after_sender(*ends, size, handles); }};
  }));
}

/// The survivors get all messages but at most the first, in order.
void check_after_receiver(line& ends, std::size_t size, std::size_t handles) {
  std::uint32_t next = 1;
  for (std::uint32_t number = 4; number < 6; ++number) {
    BOOST_REQUIRE(ends.sender.send_for(parcel(number, size, few), patience));
  }
  parcel got = take(ends.receiver);
  if (got.number == 2) next = 2;
  for (;; got = take(ends.receiver)) {
    check_parcel(got, next);
    if (next <= 3) BOOST_TEST(got.handles.size() == handles);
    if (++next == 6) break;
  }
  check_ended(ends);
}

void kill_while_receiving(std::size_t size, std::size_t handles) {
  report(kill_everywhere([=] {
    const auto ends = used_line(size);
    for (std::uint32_t number = 1; number <= 3; ++number) ends->sender.send(parcel(number, size, handles));
    return deed{[=] { ends->receiver.recv<parcel>(); }, [=] { check_after_receiver(*ends, size, handles); }};
  }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(killed_at_any_instruction)

// known failure 3: a killed writer leaves half a frame, which swallows the next message
BOOST_AUTO_TEST_CASE(a_sender_of_a_small_message_leaves_all_of_it_or_nothing) {
  kill_while_sending(small, 0);
}
BOOST_AUTO_TEST_CASE(a_sender_of_a_large_message_leaves_all_of_it_or_nothing) {
  kill_while_sending(large, 0);
}
BOOST_AUTO_TEST_CASE(a_sender_of_a_handle_leaves_all_of_the_message_or_nothing) {
  kill_while_sending(small, few);
}
BOOST_AUTO_TEST_CASE(a_sender_of_many_handles_leaves_all_of_the_message_or_nothing) {
  kill_while_sending(small, many);
}

BOOST_AUTO_TEST_CASE(a_receiver_of_a_small_message_takes_at_most_that_along) {
  kill_while_receiving(small, 0);
}
BOOST_AUTO_TEST_CASE(a_receiver_of_a_large_message_takes_at_most_that_along) {
  kill_while_receiving(large, 0);
}
BOOST_AUTO_TEST_CASE(a_receiver_of_a_handle_takes_at_most_its_message_along) {
  kill_while_receiving(small, few);
}
BOOST_AUTO_TEST_CASE(a_receiver_of_many_handles_takes_at_most_their_message_along) {
  kill_while_receiving(small, many);
}

// A stream has no way to take half a message back: the reader is told.
BOOST_AUTO_TEST_CASE(the_sender_on_a_stream_leaves_a_whole_message_or_an_error) {
  report(kill_everywhere([] {
    auto [writing, reading] = os::stream_socket_pair();
    const auto sender = std::make_shared<connection>(std::move(writing));
    const auto receiver = std::make_shared<connection>(std::move(reading));
    const auto what = std::make_shared<parcel>(1, std::size_t{50'000}, few);
    return deed{[=] { sender->send(*what); },
                [=] {
                  sender->close();
                  try {
                    check_parcel(take(*receiver), 1);
                    BOOST_CHECK_THROW(take(*receiver), end_of_stream);
                  } catch (const end_of_stream&) {
                  } catch (const truncated_message&) {
                  }
                }};
  }));
}

BOOST_AUTO_TEST_SUITE_END()
