// SPDX-License-Identifier: BSL-1.0
// Typed values over every carrier.
#include <ferry/connection.hpp>
#include <ferry/file.hpp>

#include "channel/carriers.hpp"
#include "support/child.hpp"

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <thread>

using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Stands in for a mutex: what is shared with the children one starts, and with nobody else unless one says
/// so.
struct guarded_thing {
  int number = 0;
};

}  // namespace

template <>
struct ferry::reducer<guarded_thing> {
  static constexpr std::string_view name = "test.guarded_thing";
  static constexpr bool guarded = true;
  static std::tuple<int> reduce(const guarded_thing& thing) { return {thing.number}; }
  static guarded_thing rebuild(int number) { return {number}; }
};

BOOST_AUTO_TEST_SUITE(typed_connections)

// known failure 24: objects that should only be shared between processes through inheritance
BOOST_AUTO_TEST_CASE_TEMPLATE(a_guarded_object_crosses_at_any_time_if_the_connection_says_so, Carrier,
                              all_carriers) {
  auto [sender, receiver] = Carrier::make();
  BOOST_CHECK_EXCEPTION(
      sender.send(guarded_thing{1}), ferry::spawning_error, [](const ferry::error& problem) {
        return std::string_view(problem.what()).find("use transfer::duplicate") != std::string_view::npos;
      });
  BOOST_CHECK(!receiver.poll());
  sender.options().mode = ferry::transfer::duplicate;
  receiver.options().mode = ferry::transfer::duplicate;
  sender.send(guarded_thing{2});
  BOOST_TEST(receiver.template recv<guarded_thing>().number == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reading_as_the_wrong_type_leaves_the_next_message_readable, Carrier,
                              all_carriers) {
  auto [sender, receiver] = Carrier::make();
  sender.send(std::string("not a number"));
  sender.send_bytes(bytes_of("not even a value"));
  sender.send(42);
  BOOST_CHECK_THROW(receiver.template recv<int>(), ferry::type_mismatch);
  BOOST_CHECK_THROW(receiver.template recv<int>(), ferry::archive_error);
  BOOST_TEST(receiver.template recv<int>() == 42);
}

// conformance: _TestConnection.test_connection (objects)
BOOST_AUTO_TEST_CASE_TEMPLATE(values_arrive_as_they_were_sent, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  BOOST_CHECK(!receiver.template try_recv<int>());
  BOOST_CHECK(!receiver.template recv_for<int>(1ms));
  const std::map<std::string, std::vector<int>> value{{"one", {1}}, {"none", {}}};
  sender.send(value);
  BOOST_CHECK(sender.try_send(1));
  BOOST_CHECK(sender.send_for(2, 1s));
  BOOST_CHECK((receiver.template recv<std::map<std::string, std::vector<int>>>() == value));
  BOOST_CHECK(receiver.template try_recv<int>() == 1);
  BOOST_CHECK(receiver.template recv_for<int>(patience) == 2);
  const std::vector<double> large(1 << 20, 0.5);
  for (int i = 0; i < 3; ++i) {
    std::thread writing([&end = sender, &large] { end.send(large); });
    BOOST_CHECK(receiver.template recv<std::vector<double>>() == large);
    writing.join();
  }
}

// conformance: _TestPicklingConnections.test_pickling
BOOST_AUTO_TEST_CASE_TEMPLATE(a_connection_crosses_a_connection, Carrier, handle_carriers) {
  auto [sender, receiver] = Carrier::make();
  auto [here, there] = Carrier::make();
  if constexpr (std::is_same_v<Carrier, in_process>) {
    BOOST_CHECK_THROW(sender.send(there), ferry::transfer_error);
  } else {
    sender.send(there);
    there.close();
    auto arrived = receiver.template recv<ferry::connection>();
    here.send(std::string("by way of another"));
    BOOST_TEST(arrived.template recv<std::string>() == "by way of another");
  }
}

BOOST_AUTO_TEST_CASE(a_stream_does_not_cross_in_the_middle_of_a_message) {
  auto [sender, receiver] = unix_stream::make();
  BOOST_CHECK(sender.try_send_bytes(some_bytes(1 << 20)));
  BOOST_CHECK(!receiver.try_recv_bytes());
  BOOST_CHECK_THROW(ferry::dumps(sender), ferry::transfer_error);
  BOOST_CHECK_THROW(ferry::dumps(receiver), ferry::transfer_error);
}

// conformance: _TestPicklingConnections.test_access
BOOST_AUTO_TEST_CASE(the_ends_of_a_one_way_pipe_keep_their_way_in_another_process) {
  auto [to_child, in_child] = ferry::pipe();
  auto [reader, writer] = ferry::pipe(false);
  forked_child child([&end = in_child, &other = to_child, &in = reader, &out = writer] {
    other.close();
    in.close();
    out.close();
    auto got_writer = end.recv<ferry::connection>();
    auto got_reader = end.recv<ferry::connection>();
    if (got_writer.readable() || got_reader.writable()) return 1;
    got_writer.send(got_reader.recv<int>() + 1);
    return 0;
  });
  in_child.close();
  auto [other_reader, other_writer] = ferry::pipe(false);
  to_child.send(writer);
  to_child.send(other_reader);
  other_writer.send(41);
  BOOST_TEST(reader.recv<int>() == 42);
  BOOST_TEST(child.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
