// Connections over every carrier.
#include <ferry/connection.hpp>

#include <boost/test/unit_test.hpp>

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_connection)

BOOST_AUTO_TEST_CASE(a_connection_that_is_closed_says_so) {
  ferry::connection none;
  BOOST_CHECK(none.closed());
  BOOST_CHECK_THROW(none.send_bytes({}), ferry::system_error);
  BOOST_CHECK_THROW(none.recv_bytes(), ferry::system_error);
  BOOST_CHECK_THROW(ferry::connection(ferry::unique_handle{}), ferry::system_error);
}

BOOST_AUTO_TEST_CASE(bytes_arrive_as_they_were_sent) {
  auto [here, there] = ferry::pipe();
  for (const std::size_t size : {0U, 1U, 3U, 16384U, 16385U, 65536U}) {
    const std::vector<std::byte> sent(size, std::byte{42});
    here.send_bytes(sent);
    BOOST_CHECK(there.poll());
    BOOST_CHECK(there.recv_bytes() == sent);
    BOOST_CHECK(!there.poll());
    BOOST_CHECK(!there.try_recv_bytes());
  }
  here.send_bytes(bytes_of("last"));
  here.close();
  BOOST_CHECK(there.recv_bytes() == bytes_of("last"));
  BOOST_CHECK_THROW(there.recv_bytes(), ferry::end_of_stream);
  BOOST_CHECK_THROW(there.send_bytes({}), ferry::end_of_stream);
}

BOOST_AUTO_TEST_CASE(handles_travel_with_their_message) {
  auto [here, there] = ferry::pipe();
  auto [inner, outer] = ferry::pipe();
  for (const std::size_t count : {0U, 1U, 253U, 254U, 1000U}) {
    std::vector<ferry::unique_handle> handles;
    for (std::size_t i = 0; i < count; ++i) {
      handles.push_back(ferry::duplicate(ferry::handle_view(inner.native_handle())));
    }
    here.send_message(ferry::message(ferry::buffer(), std::move(handles)));
    ferry::message got = there.recv_message();
    BOOST_TEST(got.handles().size() == count);
    if (count == 0) continue;
    ferry::connection back(std::move(got.take_handles().back()));
    back.send_bytes(bytes_of("hi"));
    BOOST_CHECK(outer.recv_bytes() == bytes_of("hi"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
