// SPDX-License-Identifier: BSL-1.0
// Carriers when the system fails: signals, short transfers, exhausted descriptors and memory.
#include "support/faults.hpp"

#include <ferry/connection.hpp>

#include "channel/carriers.hpp"
#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <future>
#include <thread>

using namespace ferry::test;
using namespace std::chrono_literals;
using ferry::os::system_calls;

namespace {

thread_local int countdown = 0;

/// Every third call is interrupted by a signal.
bool interrupted() {
  if (++countdown % 3 != 0) return false;
  errno = EINTR;
  return true;
}

/// How much one call moves at most.
constexpr std::size_t little = 3;

msghdr shortened(const msghdr& whole, iovec& part) {
  msghdr header = whole;
  std::size_t i = 0;
  while (i < whole.msg_iovlen && whole.msg_iov[i].iov_len == 0) ++i;
  if (i == whole.msg_iovlen) return header;
  part = whole.msg_iov[i];
  part.iov_len = std::min(part.iov_len, little);
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  return header;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE_TEMPLATE(signals_interrupt_every_call_and_nothing_is_lost, Carrier, process_carriers) {
  auto [sender, receiver] = Carrier::make();
  const scoped_system_call send(&system_calls::sendmsg, [](int fd, const msghdr* what, int flags) -> ssize_t {
    return interrupted() ? -1 : ::sendmsg(fd, what, flags);
  });
  const scoped_system_call send_block(&system_calls::send,
                                      [](int fd, const void* what, size_t size, int flags) -> ssize_t {
                                        return interrupted() ? -1 : ::send(fd, what, size, flags);
                                      });
  const scoped_system_call receive(&system_calls::recvmsg, [](int fd, msghdr* what, int flags) -> ssize_t {
    return interrupted() ? -1 : ::recvmsg(fd, what, flags);
  });
  const scoped_system_call write(&system_calls::writev, [](int fd, const iovec* what, int count) -> ssize_t {
    return interrupted() ? -1 : ::writev(fd, what, count);
  });
  const scoped_system_call read(&system_calls::read, [](int fd, void* into, size_t size) -> ssize_t {
    return interrupted() ? -1 : ::read(fd, into, size);
  });
  const scoped_system_call poll(&system_calls::poll, [](pollfd* what, nfds_t count, int timeout) -> int {
    return interrupted() ? -1 : ::poll(what, count, timeout);
  });
  const auto sent = some_bytes(100000);
  for (const auto time : {0ms, 10'000ms}) {
    auto writing =
        std::async(std::launch::async, [&end = sender, &sent] { return end.send_bytes_for(sent, patience); });
    while (time == 0ms && !receiver.poll()) std::this_thread::yield();
    BOOST_CHECK(receiver.recv_bytes() == sent);
    BOOST_CHECK(writing.get());
    sender.send(7);
    BOOST_TEST(receiver.template recv<int>() == 7);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(short_transfers_are_continued, Carrier, stream_carriers) {
  auto [sender, receiver] = Carrier::make();
  const scoped_system_call send(&system_calls::sendmsg, [](int fd, const msghdr* what, int flags) -> ssize_t {
    iovec part{};
    const msghdr header = shortened(*what, part);
    return ::sendmsg(fd, &header, flags);
  });
  const scoped_system_call receive(&system_calls::recvmsg, [](int fd, msghdr* what, int flags) -> ssize_t {
    iovec part{};
    msghdr header = shortened(*what, part);
    const ssize_t got = ::recvmsg(fd, &header, flags);
    what->msg_flags = header.msg_flags;
    what->msg_controllen = header.msg_controllen;
    return got;
  });
  const scoped_system_call write(&system_calls::writev, [](int fd, const iovec* what, int count) -> ssize_t {
    for (; count > 1 && what->iov_len == 0; --count) ++what;
    return ::write(fd, what->iov_base, std::min(what->iov_len, little));
  });
  const scoped_system_call read(&system_calls::read, [](int fd, void* into, size_t size) -> ssize_t {
    return ::read(fd, into, std::min(size, little));
  });
  const auto sent = some_bytes(300);
  sender.send_bytes(sent);
  BOOST_CHECK(receiver.recv_bytes() == sent);
  if constexpr (Carrier::handles) {
    sender.send_message(some_message(100, 254));
    sender.send_message(some_message(100, 1));
    BOOST_TEST(receiver.recv_message().handles().size() == 254U);
    BOOST_TEST(receiver.recv_message().handles().size() == 1U);
  }
}

// known failure 13: received 0 items of ancdata
BOOST_AUTO_TEST_CASE_TEMPLATE(a_receiver_out_of_descriptors_loses_that_message_alone, Carrier,
                              handle_socket_carriers) {
  for (const std::size_t count : std::initializer_list<std::size_t>{5, 253, 300}) {
    auto [sender, receiver] = Carrier::make();
    sender.send_message(some_message(10, count));
    sender.send_message(some_message(10, 1));
    {
      const scoped_fd_limit few(3);
      BOOST_CHECK_EXCEPTION(receiver.recv_message(), ferry::system_error,
                            [](const ferry::system_error& problem) {
                              const std::string_view text = problem.what();
                              return problem.code() == std::errc::too_many_files_open &&
                                     text.find("limit") != text.npos && text.find("ulimit -n") != text.npos;
                            });
    }
    BOOST_TEST(receiver.recv_message().handles().size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receiver_out_of_descriptors_loses_a_large_message_alone, Carrier,
                              std::tuple<local>) {
  auto [sender, receiver] = Carrier::make();
  sender.send_bytes(some_bytes(200000));
  sender.send_bytes(bytes_of("next"));
  {
    const scoped_fd_limit none(0);
    BOOST_CHECK_THROW(receiver.recv_bytes(), ferry::system_error);
  }
  BOOST_CHECK(receiver.recv_bytes() == bytes_of("next"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_budget_of_handles_in_flight_is_waited_out, Carrier,
                              handle_socket_carriers) {
  auto [sender, receiver] = Carrier::make();
  countdown = 0;
  const scoped_system_call send(&system_calls::sendmsg, [](int fd, const msghdr* what, int flags) -> ssize_t {
    if (what->msg_controllen == 0 || ++countdown > 3) return ::sendmsg(fd, what, flags);
    errno = ETOOMANYREFS;
    return -1;
  });
  sender.send_message(some_message(10, 2));
  BOOST_TEST(receiver.recv_message().handles().size() == 2U);
  countdown = 0;
  sender.send_message(some_message(10, 300));
  BOOST_TEST(receiver.recv_message().handles().size() == 300U);

  for (const std::size_t count : std::initializer_list<std::size_t>{2, 300}) {
    countdown = -1'000'000;
    ferry::message what = some_message(10, count);
    BOOST_CHECK(!sender.send_message_for(what, 20ms));
    BOOST_CHECK(!sender.try_send_message(what));
    BOOST_TEST(what.handles().size() == count);
    BOOST_CHECK(!receiver.poll());
  }
}

// known failure 16: SIGBUS when shared memory is full
BOOST_AUTO_TEST_CASE(memory_that_is_full_is_an_error_of_that_message) {
  auto [sender, receiver] = ferry::pipe();
  const auto large = some_bytes(200000);
  {
    const scoped_system_call full(&system_calls::fallocate, [](int, int, off_t, off_t) -> int {
      errno = ENOSPC;
      return -1;
    });
    BOOST_CHECK_THROW(sender.send_bytes(large), ferry::system_error);
    BOOST_CHECK_THROW(sender.send(std::vector<double>(100000)), ferry::system_error);
  }
  BOOST_CHECK(!receiver.poll());
  sender.send_bytes(large);
  BOOST_CHECK(receiver.recv_bytes() == large);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_carrier_takes_nothing_and_loses_nothing, Carrier, all_carriers) {
  auto [sender, receiver] = Carrier::make();
  int sent = 0;
  while (sender.try_send(sent)) ++sent;
  while (sender.send_for(sent, 1ms)) ++sent;  // what is on its way to a receiver may leave room
  BOOST_TEST(sent > 10);
  int wrong = 0;
  for (int i = 0; i < sent; ++i) {
    if (i == sent - 5) sender.flush();  // a stream may have kept the rest of the last one
    if (receiver.template recv<int>() != i) ++wrong;
  }
  BOOST_TEST(wrong == 0);
  BOOST_CHECK(!receiver.poll());
}

BOOST_AUTO_TEST_SUITE_END()
