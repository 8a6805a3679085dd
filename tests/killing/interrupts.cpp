// SPDX-License-Identifier: BSL-1.0
// A storm of signals, without SA_RESTART, over everything that can be interrupted.
#include <ferry/connection.hpp>
#include <ferry/offer.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/wait.hpp>

#include "os/socket.hpp"
#include "support/killing.hpp"

#include <csignal>
#include <sys/time.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

volatile std::sig_atomic_t interruptions = 0;

/// Interrupts this process every 100 microseconds for as long as it lives.
class storm {
 public:
  storm() {
    interruptions = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interruptions = interruptions + 1; };
    ::sigaction(SIGALRM, &action, &before_);
    set(100);
  }
  ~storm() {
    set(0);
    ::sigaction(SIGALRM, &before_, nullptr);
    BOOST_TEST(interruptions > 0);
  }
  storm(const storm&) = delete;
  storm& operator=(const storm&) = delete;

 private:
  static void set(suseconds_t microseconds) {
    const itimerval timer{{0, microseconds}, {0, microseconds}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  struct sigaction before_ {};
};

/// Sends back what it gets, under a storm of its own.
int echo(connection end) {
  const storm around;
  for (;;) {
    try {
      end.send(end.recv<parcel>());
    } catch (const end_of_stream&) {
      return 0;
    }
  }
}

void there_and_back(os::handle_pair ends) {
  connection here(std::move(ends.first)), there(std::move(ends.second));
  forked_child other([&] {
    here.close();
    return echo(std::move(there));
  });
  there.close();
  {
    const storm around;
    std::uint32_t number = 0;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{100}, std::size_t{60'000}, std::size_t{2} << 20U}) {
      for (const std::size_t handles_sent : {0U, 1U, 300U}) {
        BOOST_REQUIRE(here.send_for(parcel(++number, size, handles_sent), patience));
        const parcel got = take(here);
        check_parcel(got, number);
        BOOST_TEST(got.handles.size() == handles_sent);
        BOOST_TEST(here.poll(2ms) == false);
        BOOST_TEST(wait({here}, 2ms).empty());
      }
    }
    here.send(parcel(++number, 100, 0));
    BOOST_TEST(wait({here}).size() == 1U);
    check_parcel(here.recv<parcel>(), number);
    here.close();
  }
  BOOST_TEST(other.wait() == 0);
}

void answer(unique_handle line) {
  connection end(std::move(line));
  end.send(end.recv<parcel>());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(under_a_storm_of_signals)

BOOST_AUTO_TEST_CASE(messages_go_there_and_back_over_packets) {
  there_and_back(os::packet_socket_pair());
}
BOOST_AUTO_TEST_CASE(messages_go_there_and_back_over_a_stream) {
  there_and_back(os::stream_socket_pair());
}

BOOST_AUTO_TEST_CASE(handles_are_offered_and_memory_is_allocated) {
  const storm around;
  for (int i = 0; i < 20; ++i) {
    shared_memory memory(std::size_t{8} << 20U);
    memory.span().back() = std::byte{1};
    const unique_handle taken = take_offer(make_offer(handle_view(memory.native_handle())));
    BOOST_TEST(taken.valid());
  }
  // What was taken is let go of with the next offer.
  const shared_memory last(1);
  BOOST_TEST(withdraw_offer(make_offer(handle_view(last.native_handle()))));
}

BOOST_AUTO_TEST_CASE(processes_start_work_and_are_joined) {
  {
    const storm around;
    for (const start_method method : {start_method::spawn, start_method::fork, start_method::forkserver}) {
      process_options options;
      options.context = context{.method = method};
      for (int i = 0; i < 10; ++i) {
        auto [here, there] = pipe();
        options.daemon = i % 2 == 0;
        process child(options, fn<&answer>, duplicate(handle_view(there.native_handle())));
        there.close();
        BOOST_TEST(!child.join_for(1ms));
        here.send(parcel(1, 100'000, 1));
        check_parcel(take(here), 1);
        child.join();
        BOOST_TEST(child.exit_code().value() == 0);
      }
    }
  }
  stop_forkserver();
}

BOOST_AUTO_TEST_SUITE_END()
