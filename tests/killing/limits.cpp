// SPDX-License-Identifier: BSL-1.0
// Descriptors, processes and memory at their limits: an exception that names the limit, and all as before.
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/wait.hpp>

#include "os/socket.hpp"
#include "support/faults.hpp"
#include "support/killing.hpp"
#include "support/leaks.hpp"

#include <cerrno>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

void answer_with_the_next(unique_handle line) {
  connection end(std::move(line));
  const parcel got = end.recv<parcel>();
  end.send(parcel(got.number + 1, got.body.size() * sizeof got.body[0], got.handles.size()));
}

bool names(const error& problem, const char* cure) {
  return std::string_view(problem.what()).find(cure) != std::string_view::npos;
}

/// In bytes, of this process.
rlim_t address_space() {
  std::ifstream sizes("/proc/self/statm");
  rlim_t pages = 0;
  sizes >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// Sanitizers reserve terabytes for themselves, and end the program when they get no more.
boost::test_tools::assertion_result address_space_can_be_limited(boost::unit_test::test_unit_id) {
  constexpr rlim_t tebibyte = rlim_t{1} << 40U;
  return address_space() < tebibyte;
}

/// A pipe, messages with handles there and back, and a process.
class everything {
 public:
  explicit everything(start_method method) { how_.context = context{.method = method}; }

  void run() {
    auto [here, there] = pipe();
    process child(how_, fn<&answer_with_the_next>, duplicate(handle_view(there.native_handle())));
    there.close();
    try {
      here.send(parcel(1, 100'000, 2));
    } catch (...) {
      here.close();  // the child waits for a message that does not come
      throw;
    }
    const parcel got = take(here);
    check_parcel(got, 2);
    BOOST_TEST(got.handles.size() == 2U);
    child.join();
    BOOST_TEST(child.exit_code().value() == 0);
  }

  /// Descriptors are as few as can be only here, not in the child, which would fail for want of them too.
  bool run_with_descriptors_left(std::size_t more) {
    const scoped_fd_limit limit(more);
    try {
      run();
      return true;
    } catch (const system_error& problem) {
      BOOST_CHECK_MESSAGE((names(problem, "ulimit -n")), problem.what());
    } catch (const end_of_stream&) {
      // The child inherits the limit, and may have died of it.
    } catch (const process_error& problem) {
      BOOST_CHECK_MESSAGE((names(problem, "ulimit -n")), problem.what());
    }
    return false;
  }

 private:
  process_options how_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(at_the_limits)

// known failure 13: a receiver without descriptors gets "0 items of ancdata"
BOOST_AUTO_TEST_CASE(every_operation_works_or_names_the_limit_with_any_number_of_descriptors_left) {
  for (const start_method method : {start_method::spawn, start_method::fork, start_method::forkserver}) {
    BOOST_TEST_CONTEXT(static_cast<int>(method)) {
      everything all(method);
      all.run();
      int done = 0;
      for (std::size_t more = 40; more-- > 0;) done += all.run_with_descriptors_left(more);
      BOOST_TEST(done > 0);
      BOOST_TEST(done < 40);
      all.run();
    }
  }
  stop_forkserver();
}

BOOST_AUTO_TEST_CASE(forking_beside_a_thread_is_refused_without_descriptors_too) {
  const std::jthread other([](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
  });
  everything all(start_method::fork);
  for (std::size_t more = 0; more < 8; ++more) {
    const scoped_fd_limit limit(more);
    BOOST_CHECK_EXCEPTION(all.run(), error, [](const error& problem) {
      return names(problem, "ulimit -n") || names(problem, "other threads");
    });
  }
}

// known failure 13: the connection is usable after
BOOST_AUTO_TEST_CASE(a_message_is_lost_to_the_limit_and_the_next_one_is_not) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{1} << 20U}) {
    for (const std::size_t handles : {1U, 5U, 300U}) {
      auto [sender, receiver] = pipe();
      for (std::size_t more = 0; more <= 4; ++more) {
        sender.send(parcel(1, size, handles));
        sender.send(parcel(2, size, 0));
        {
          const scoped_fd_limit limit(more);
          try {
            check_parcel(receiver.recv<parcel>(), 1);
            BOOST_TEST(more >= handles);
          } catch (const system_error& problem) {
            BOOST_TEST(problem.code().value() == EMFILE);
            BOOST_CHECK_MESSAGE((names(problem, "ulimit -n")), problem.what());
          }
        }
        check_parcel(take(receiver), 2);
      }
    }
  }
}

// known failure 14: descriptors run out with one for each buffer that nobody has received yet
BOOST_AUTO_TEST_CASE(messages_in_flight_hold_no_more_descriptors_than_the_pool_of_segments_keeps) {
  auto [sender, receiver] = pipe();
  const std::size_t before = holdings::now().descriptors.size();
  constexpr std::size_t pooled = 32;
  std::uint32_t number = 0;
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t first = number;
    while (sender.try_send(parcel(number, 200'000, 0))) {
      ++number;
      BOOST_REQUIRE(holdings::now().descriptors.size() <= before + pooled);
    }
    for (std::uint32_t each = first; each < number; ++each) check_parcel(take(receiver), each);
    BOOST_REQUIRE(holdings::now().descriptors.size() <= before + pooled);
  }
  BOOST_TEST(number > 100U);
}

BOOST_AUTO_TEST_CASE(a_user_without_processes_left_is_told_of_the_limit) {
  BOOST_TEST(fork_child([] {
               if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 10;
               everything all(start_method::fork);
               for (const start_method method : {start_method::spawn, start_method::fork}) {
                 const scoped_limit none(RLIMIT_NPROC, 0);
                 try {
                   everything(method).run();
                   return 11;
                 } catch (const system_error& problem) {
                   if (problem.code().value() != EAGAIN || !names(problem, "ulimit -u")) throw;
                 }
               }
               all.run();
               return 0;
             }) == 0);
}

// known failure 16: full memory is a signal
BOOST_AUTO_TEST_CASE(a_message_for_which_there_is_no_address_space_is_refused_and_the_next_one_sent,
                     *boost::unit_test::precondition(address_space_can_be_limited)) {
  BOOST_TEST(
      fork_child([] {
        constexpr std::size_t much = std::size_t{64} << 20U;
        auto [sender, receiver] = pipe();
        const parcel bulky(1, much, 1);
        parcel got;
        const auto refused = [](const std::function<void()>& operation) {
          // What the program has now, and a little.
          const scoped_limit tight(RLIMIT_AS, address_space() + much / 8);
          try {
            operation();
            return false;
          } catch (const system_error& problem) {
            return problem.code().value() == ENOMEM && names(problem, "ulimit -v");
          }
        };
        if (!refused([&end = sender, &bulky] { end.send(bulky); })) return 10;
        if (!refused([&end = sender, &bulky] { end.send_bytes(std::as_bytes(std::span(bulky.body))); }))
          return 11;
        if (!refused([&] { shared_memory{much}; })) return 12;
        sender.send(bulky);
        sender.send(parcel(2, 100, 1));
        if (!refused([&got, &end = receiver] { got = end.recv<parcel>(); })) return 13;
        got = take(receiver);
        if (got.number != 2 || !got.is_whole()) return 14;
        sender.send(bulky);
        got = take(receiver);
        return got.number == 1 && got.is_whole() ? 0 : 15;
      }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
