// SPDX-License-Identifier: BSL-1.0
// Waiting for several things at once.
#include <ferry/connection.hpp>
#include <ferry/listener.hpp>
#include <ferry/wait.hpp>

#include "channel/carriers.hpp"
#include "os/socket.hpp"
#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <list>
#include <sys/time.h>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace ferry::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(waiting_for_several)

BOOST_AUTO_TEST_CASE(a_closed_connection_or_handle_cannot_be_waited_for) {
  ferry::connection closed;
  BOOST_CHECK_THROW(ferry::wait({closed}, 0s), ferry::system_error);
  BOOST_CHECK_THROW(ferry::wait({ferry::handle_view()}, 0s), ferry::system_error);
  BOOST_CHECK_THROW(ferry::wait({ferry::handle_view(12345)}, 0s), ferry::system_error);
}

BOOST_AUTO_TEST_CASE(an_error_has_one_category_whether_ferry_or_the_system_finds_it) {
  const std::error_code closed = std::make_error_code(std::errc::bad_file_descriptor);
  const auto is_that = [&](const ferry::system_error& problem) { return problem.code() == closed; };
  BOOST_CHECK_EXCEPTION(ferry::connection().send_bytes({}), ferry::system_error, is_that);
  BOOST_CHECK_EXCEPTION(ferry::wait({ferry::handle_view()}, 0s), ferry::system_error, is_that);
  BOOST_CHECK_EXCEPTION(ferry::wait({ferry::handle_view(12345)}, 0s), ferry::system_error, is_that);
  BOOST_CHECK_EXCEPTION(static_cast<void>(ferry::duplicate(ferry::handle_view(12345))), ferry::system_error,
                        is_that);
}

// conformance: _TestConnection.test_wait_empty
BOOST_AUTO_TEST_CASE(waiting_for_nothing_sleeps_for_its_time) {
  const auto before = std::chrono::steady_clock::now();
  BOOST_CHECK(ferry::wait({}, 50ms).empty());
  BOOST_CHECK(std::chrono::steady_clock::now() - before >= 50ms);
}

// conformance: TestWait.test_neg_timeout
// conformance: TestWait.test_wait_timeout
BOOST_AUTO_TEST_CASE_TEMPLATE(ends_are_told_of_when_they_are_ready_and_only_then, Carrier, all_carriers) {
  auto [first_in, first] = Carrier::make();
  auto [second_in, second] = Carrier::make();
  BOOST_CHECK(ferry::wait({first, second}, -1s).empty());
  BOOST_CHECK(ferry::wait({first, second}, 0s).empty());
  const auto before = std::chrono::steady_clock::now();
  BOOST_CHECK(ferry::wait({first, second}, 20ms).empty());
  BOOST_CHECK(std::chrono::steady_clock::now() - before >= 20ms);
  first_in.send_bytes(bytes_of("x"));
  const auto ready = ferry::wait({first, second}, patience);
  BOOST_TEST(ready.size() == 1U);
  BOOST_CHECK(ready.contains(first));
  BOOST_CHECK(!ready.contains(second));
  second_in.close();
  BOOST_TEST(ferry::wait({first, second}).size() == 2U);
}

// conformance: TestWait.test_wait
// conformance: TestWait.test_wait_slow
BOOST_AUTO_TEST_CASE_TEMPLATE(all_messages_of_several_writers_are_read_to_their_ends, Carrier,
                              process_carriers) {
  std::list<ferry::connection> readers;
  std::list<forked_child> writers;
  for (int writer = 0; writer < 4; ++writer) {
    auto [sender, receiver] = Carrier::make();
    writers.emplace_back([&end = sender, &other = receiver, writer] {
      other.close();
      for (int i = 0; i < 10; ++i) {
        if (writer % 2 == 1) std::this_thread::sleep_for(std::chrono::microseconds(137 * i));
        end.send(writer * 10 + i);
      }
      return 0;
    });
    readers.push_back(std::move(receiver));
  }
  std::vector<int> seen(40);
  while (!readers.empty()) {
    const std::vector<ferry::waitable> all(readers.begin(), readers.end());
    const auto ready = ferry::wait(all, patience);
    BOOST_REQUIRE(!ready.empty());
    for (auto each = readers.begin(); each != readers.end();) {
      const auto current = each++;
      if (!ready.contains(*current)) continue;
      try {
        ++seen[static_cast<std::size_t>(current->template recv<int>())];
      } catch (const ferry::end_of_stream&) {
        readers.erase(current);
      }
    }
  }
  BOOST_CHECK(seen == std::vector<int>(40, 1));
  for (auto& each : writers) BOOST_TEST(each.wait() == 0);
}

// conformance: TestWait.test_wait_integer
BOOST_AUTO_TEST_CASE(connections_listeners_and_handles_are_waited_for_together) {
  auto [sender, receiver] = ferry::pipe();
  ferry::listener door(ferry::address::tcp("127.0.0.1", 0));
  auto [reading, writing] = ferry::os::plain_pipe();
  BOOST_CHECK(ferry::wait({receiver, door, reading}, 0s).empty());
  writing.reset();
  sender.send(1);
  const ferry::connection guest = ferry::connect(door.where());
  const auto ready = ferry::wait({receiver, door, reading, sender}, patience);
  BOOST_CHECK(ready.contains(receiver));
  BOOST_CHECK(ready.contains(reading));
  BOOST_CHECK(ferry::wait({door}, patience).contains(door));
  BOOST_CHECK(!ready.contains(sender));
}

// known failure 31: no more than 63 can be waited for
BOOST_AUTO_TEST_CASE(hundreds_of_connections_are_waited_for_together) {
  constexpr std::size_t many = 300;
  std::vector<std::pair<ferry::connection, ferry::connection>> pipes;
  std::vector<ferry::waitable> receivers;
  for (std::size_t i = 0; i < many; ++i) pipes.push_back(ferry::pipe());
  for (auto& each : pipes) receivers.emplace_back(each.first);
  BOOST_CHECK(ferry::wait(receivers, 0s).empty());
  pipes[many - 1].second.send(1);
  pipes[100].second.send(1);
  const auto ready = ferry::wait(receivers, patience);
  BOOST_TEST(ready.size() == 2U);
  BOOST_CHECK(ready.contains(receivers[100]));
  BOOST_CHECK(ready.contains(receivers[many - 1]));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waiting_for_an_answer_sends_what_is_left_of_the_question, Carrier,
                              duplex_carriers) {
  auto [asking, answering] = Carrier::make();
  const auto question = some_bytes(4 << 20);
  BOOST_REQUIRE(asking.try_send_bytes(question));
  std::thread peer([&end = answering, &question] { end.send(end.recv_bytes() == question ? 42 : 0); });
  BOOST_CHECK(ferry::wait({asking}, patience).contains(asking));
  BOOST_TEST(asking.template recv<int>() == 42);
  peer.join();
}

BOOST_AUTO_TEST_CASE(a_signal_does_not_end_the_wait) {
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &ignore, &before);
  const itimerval often{{0, 2000}, {0, 2000}}, never{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  auto [sender, receiver] = ferry::pipe();
  const auto start = std::chrono::steady_clock::now();
  BOOST_CHECK(ferry::wait({receiver}, 50ms).empty());
  BOOST_CHECK(!receiver.poll(50ms));
  BOOST_CHECK(!receiver.recv_for<int>(50ms));
  BOOST_CHECK(std::chrono::steady_clock::now() - start >= 150ms);
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
