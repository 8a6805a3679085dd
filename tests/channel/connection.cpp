// SPDX-License-Identifier: BSL-1.0
// What every connection does, whatever its carrier.
#include <ferry/connection.hpp>
#include <ferry/offer.hpp>

#include "channel/carriers.hpp"
#include "support/child.hpp"
#include "support/exceptions.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>
#include <future>
#include <initializer_list>
#include <thread>

using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(connections)

// conformance: TestInvalidHandle.test_invalid_handles
BOOST_AUTO_TEST_CASE(a_handle_that_is_no_carrier_is_refused) {
  BOOST_CHECK_THROW(ferry::connection{ferry::unique_handle()}, ferry::system_error);
  BOOST_CHECK_THROW(ferry::connection{ferry::unique_handle(12345)}, ferry::system_error);
}

// conformance: _TestConnection.test_context
BOOST_AUTO_TEST_CASE_TEMPLATE(a_closed_connection_says_so, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.close();
  receiver.close();
  sender.close();
  BOOST_CHECK(sender.closed());
  BOOST_CHECK_THROW(sender.send_bytes({}), ferry::system_error);
  BOOST_CHECK_THROW(receiver.recv_bytes(), ferry::system_error);
  BOOST_CHECK_THROW(receiver.poll(), ferry::system_error);
  BOOST_CHECK_THROW(receiver.native_handle(), ferry::system_error);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_moved_from_says_that_it_may_be) {
  auto [first, second] = ferry::pipe();
  const ferry::connection moved = std::move(first);
  for (const auto& use : std::initializer_list<std::function<void()>>{
           [&end = first] { end.send(1); }, [&end = first] { end.recv<int>(); },
           [&end = first] { end.native_handle(); }})
    BOOST_CHECK_EXCEPTION(use(), ferry::system_error,
                          fails_with(std::errc::bad_file_descriptor, "is closed or moved from"));
  BOOST_TEST(moved.writable());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_limit_that_is_passed_is_named_with_its_cure, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.send_bytes(bytes_of("abc"));
  BOOST_CHECK_EXCEPTION(receiver.recv_bytes(2), ferry::limit_exceeded,
                        says("recv_bytes was to take 2 at most"));
  receiver.options().limit.bytes = 2;
  for (const std::size_t most : {ferry::connection::no_maximum, std::size_t{5}}) {
    sender.send_bytes(bytes_of("abc"));
    BOOST_CHECK_EXCEPTION(receiver.recv_bytes(most), ferry::limit_exceeded,
                          says("archive_options::limit.bytes"));
  }
  sender.options().limit.handles = 2;
  const auto handles = some_handles(3);
  BOOST_CHECK_EXCEPTION(sender.send(handles), ferry::limit_exceeded, [](const ferry::error& problem) {
    return says("limits::handles, which is 2: there are 3 at least")(problem) &&
           says("raise archive_options::limit.handles on both sides")(problem);
  });
}

// conformance: _TestConnection.test_connection
BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_arrive_as_they_were_sent, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  BOOST_CHECK(!receiver.poll());
  BOOST_CHECK(!receiver.poll(-1s));
  BOOST_CHECK(!receiver.poll(1ms));
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 3, 4096, 16384, 16385, 60000, 65536,
                                                                   65537, 1 << 20, 16 << 20}) {
    const std::vector<std::byte> sent = some_bytes(size);
    std::thread writing([&end = sender, &sent] { end.send_bytes(sent); });
    BOOST_CHECK(receiver.poll(patience));
    const std::vector<std::byte> got = receiver.recv_bytes();
    writing.join();
    BOOST_CHECK(got == sent);
    BOOST_CHECK(!receiver.poll());
    BOOST_CHECK(!receiver.try_recv_bytes());
  }
  sender.send_bytes(bytes_of("last"));
  sender.close();
  BOOST_CHECK(receiver.recv_bytes() == bytes_of("last"));
  BOOST_CHECK(receiver.poll());
  BOOST_CHECK_THROW(receiver.recv_bytes(), ferry::end_of_stream);
  BOOST_CHECK_THROW(receiver.recv_bytes(), ferry::end_of_stream);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(writing_to_a_peer_that_is_gone_is_the_end_of_the_stream, Carrier,
                              all_carriers) {
  auto [sender, receiver] = Carrier::make();
  receiver.close();
  // TCP learns of it with the answer to the first segment.
  BOOST_CHECK_THROW(
      for (int i = 0; i < 1000; ++i) {
        sender.send_bytes(bytes_of("x"));
        std::this_thread::yield();
      },
      ferry::end_of_stream);
}

// conformance: _TestConnection.test_connection (recv_bytes_into, BufferTooShort)
BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_are_received_into_memory_of_the_caller, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  std::array<std::byte, 8> into{};
  BOOST_CHECK(!receiver.try_recv_bytes_into(into));
  sender.send_bytes(bytes_of("longer than eight"));
  try {
    receiver.recv_bytes_into(into);
    BOOST_ERROR("a message that does not fit was received");
  } catch (const ferry::buffer_too_short& problem) {
    BOOST_CHECK(problem.message() == bytes_of("longer than eight"));
  }
  sender.send_bytes(bytes_of("fits"));
  BOOST_TEST(receiver.recv_bytes_into(std::span(into).subspan(2)) == 4U);
  BOOST_CHECK(std::equal(into.begin() + 2, into.begin() + 6, bytes_of("fits").begin()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_over_the_limit_is_refused_and_the_next_one_read, Carrier,
                              all_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.options().limit.bytes = 10;
  BOOST_CHECK_THROW(sender.send_bytes(some_bytes(11)), ferry::limit_exceeded);
  sender.options().limit.bytes = 5000;
  sender.send_bytes(some_bytes(3000));
  sender.send_bytes(some_bytes(3000));
  sender.send_bytes(bytes_of("next"));
  BOOST_CHECK_THROW(receiver.recv_bytes(2999), ferry::limit_exceeded);
  receiver.options().limit.bytes = 2999;
  BOOST_CHECK_THROW(receiver.recv_message(), ferry::limit_exceeded);
  BOOST_CHECK(receiver.recv_bytes() == bytes_of("next"));
}

// conformance: _TestPoll.test_empty_string
BOOST_AUTO_TEST_CASE_TEMPLATE(an_empty_message_is_a_message, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.send_bytes({});
  BOOST_CHECK(receiver.poll());
  BOOST_CHECK(receiver.poll());
  BOOST_CHECK(receiver.recv_bytes().empty());
  BOOST_CHECK(!receiver.poll());
}

// conformance: _TestPoll.test_strings
// conformance: _TestPoll.test_dont_merge
BOOST_AUTO_TEST_CASE_TEMPLATE(messages_are_not_merged, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  const std::vector<std::string_view> texts{"hello", "", "a", "b", "", "bye"};
  for (const auto text : texts) sender.send_bytes(bytes_of(text));
  for (const auto text : texts) {
    BOOST_CHECK(receiver.poll());
    BOOST_CHECK(receiver.poll(1s));
    BOOST_CHECK(receiver.recv_bytes() == bytes_of(text));
  }
  BOOST_CHECK(!receiver.poll());
}

// conformance: _TestPoll.test_boundaries
BOOST_AUTO_TEST_CASE_TEMPLATE(polling_in_another_process_takes_nothing, Carrier, process_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.send_bytes(bytes_of("whole"));
  BOOST_TEST(fork_child([&end = receiver] { return end.poll(patience) ? 0 : 1; }) == 0);
  BOOST_CHECK(receiver.recv_bytes() == bytes_of("whole"));
}

// conformance: _TestConnection.test_duplex_false
BOOST_AUTO_TEST_CASE(the_ends_of_a_one_way_pipe_work_one_way) {
  auto [reader, writer] = ferry::pipe(false);
  BOOST_CHECK(reader.readable() && !reader.writable());
  BOOST_CHECK(!writer.readable() && writer.writable());
  BOOST_CHECK_THROW(reader.send_bytes({}), ferry::system_error);
  BOOST_CHECK_THROW(writer.recv_bytes(), ferry::system_error);
  BOOST_CHECK_THROW(writer.poll(), ferry::system_error);
  writer.send_bytes(bytes_of("this way"));
  BOOST_CHECK(reader.recv_bytes() == bytes_of("this way"));
  // The kernel knows too, whoever has the handle.
  ferry::connection other(ferry::duplicate(ferry::handle_view(reader.native_handle())));
  BOOST_CHECK_THROW(other.send_bytes({}), ferry::end_of_stream);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handles_travel_with_their_message, Carrier, handle_carriers) {
  auto [sender, receiver] = Carrier::make();
  for (const std::size_t count : std::initializer_list<std::size_t>{0, 1, 252, 253, 254, 1000}) {
    sender.send_message(some_message(100, count));
    const ferry::message got = receiver.recv_message();
    BOOST_TEST(got.handles().size() == count);
    BOOST_TEST(got.bytes().size() == 132U);
  }
  sender.send_message(some_message(0, 3));
  sender.send_message(some_message(100000, 300));
  BOOST_CHECK_EQUAL(receiver.recv_bytes().size(), 32U);  // drops the handles
  BOOST_CHECK_EQUAL(receiver.recv_message().handles().size(), 300U);
}

BOOST_AUTO_TEST_CASE(a_network_connection_refuses_handles) {
  auto [sender, receiver] = tcp::make();
  BOOST_CHECK_THROW(sender.send_message(some_message(10, 1)), ferry::transfer_error);
  sender.send_message(some_message(10, 0));
  BOOST_TEST(receiver.recv_message().bytes().size() == 42U);
}

BOOST_AUTO_TEST_CASE(a_plain_pipe_refuses_handles_unless_they_may_be_duplicated) {
  auto [sender, receiver] = plain_pipe::make();
  BOOST_CHECK_THROW(sender.send_message(some_message(10, 1)), ferry::transfer_error);
  BOOST_CHECK(!receiver.poll());
  sender.options().mode = ferry::transfer::duplicate;
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 3, 300}) {
    sender.send_message(some_message(10, count));
    const ferry::message got = receiver.recv_message();
    BOOST_TEST(got.bytes().size() == 42U);
    BOOST_TEST(got.handles().size() == count);
  }
  // What has been taken is let go of at the next offer.
  ferry::withdraw_offer(ferry::make_offer(some_handles(1).front()));
}

BOOST_AUTO_TEST_CASE(handles_that_a_full_plain_pipe_did_not_take_are_not_offered) {
  auto [sender, receiver] = plain_pipe::make();
  sender.options().mode = ferry::transfer::duplicate;
  while (sender.try_send_bytes(some_bytes(4000))) {
  }
  ferry::message what = some_message(10, 100);
  for (std::size_t i = 0; i < 2 * ferry::most_offers / 100; ++i) BOOST_CHECK(!sender.try_send_message(what));
  BOOST_TEST(what.handles().size() == 100U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(two_peers_that_both_send_much_go_on, Carrier, duplex_carriers) {
  auto [first, second] = Carrier::make();
  const std::vector<std::byte> much = some_bytes(8 << 20);
  std::size_t sent_by_first = 0, sent_by_second = 0;
  while (sent_by_first < 100 && first.send_bytes_for(much, 10ms)) ++sent_by_first;
  while (sent_by_second < 100 && second.send_bytes_for(much, 10ms)) ++sent_by_second;
  BOOST_TEST(sent_by_first > 0U);
  auto other = std::async(std::launch::async, [&end = second, sent_by_first, &much] {
    std::size_t right = 0;
    for (std::size_t i = 0; i < sent_by_first; ++i) right += end.recv_bytes() == much ? 1 : 0;
    end.flush();
    return right;
  });
  for (std::size_t i = 0; i < sent_by_second; ++i) BOOST_CHECK(first.recv_bytes() == much);
  first.flush();
  BOOST_TEST(other.get() == sent_by_first);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_reader_that_is_killed_leaves_the_writer_with_the_end_of_the_stream, Carrier,
                              process_carriers) {
  auto [sender, receiver] = Carrier::make();
  forked_child reader([&end = receiver, &other = sender] {
    other.close();
    end.recv_bytes();
    for (;;) ::pause();
    return 0;
  });
  receiver.close();
  sender.send_bytes(some_bytes(100));
  reader.signal(SIGKILL);
  reader.wait();
  BOOST_CHECK_THROW(for (;;) sender.send_bytes(some_bytes(100)), ferry::end_of_stream);
}

BOOST_AUTO_TEST_SUITE_END()
