// SPDX-License-Identifier: BSL-1.0
// Workers that know what they do: they keep the locks of their memory, lie about what they are at, and send
// what nobody asked for. Nobody else waits for them.
#include <ferry/file.hpp>

#include "pool/support.hpp"
#include "queue/ring_layout.hpp"
#include "support/child.hpp"
#include "support/stuck_socket.hpp"

#include <boost/range/irange.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <netinet/in.h>
#include <span>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

using detail::ring_head;

/// The heads of all rings that this process has mapped: in a worker, those of its two channels.
std::vector<ring_head*> all_rings() {
  std::vector<ring_head*> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    char dash = 0;
    std::string end, rights;
    words >> std::hex >> begin >> dash >> end >> rights;
    if (rights != "rw-s" || line.find("/memfd:ferry") == std::string::npos) continue;
    auto* const head = reinterpret_cast<ring_head*>(begin);
    if (head->mark == ring_head::mark_value) found.push_back(head);
  }
  return found;
}

/// Writes into the rings again and again, for ever.
void keep_writing(const std::function<void(ring_head&)>& what) {
  const auto rings = all_rings();
  for (bool told_of = false;;) {
    for (ring_head* const each : rings) what(*each);
    if (!std::exchange(told_of, true)) ++*told()->count;
  }
}

void keep_the_lock() {
  keep_writing([](ring_head& head) { reinterpret_cast<std::atomic<std::uint32_t>&>(head.taking) = 1; });
}
void keep_the_lock_and_stop() {
  for (ring_head* const each : all_rings()) reinterpret_cast<std::atomic<std::uint32_t>&>(each->taking) = 1;
  ++*told()->count;
  ::raise(SIGSTOP);
}
void go_round_in_empty_rings() {
  keep_writing([](ring_head& head) {
    head.reading = 0;
    head.writing = ring_head::ring_count - 1;
    for (auto& each : head.rings) each.next = each.tail = each.head = each.seen_tail = 0;
  });
}
void never_be_done_with_leases() {
  keep_writing([](ring_head& head) {
    head.state = ring_head::draining;
    head.leased = head.returned = 1;
  });
}
/// Takes no more tasks, as far as its memory says.
int pretend_to_be_full(int number) {
  for (ring_head* const each : all_rings()) each->max_items = each->max_bytes = 1;
  return number;
}
// Where a worker says what it is at.
constexpr std::size_t is_ready = 0, run_id = 1, begun_at = 3;
void deny_having_begun() {
  keep_writing([](ring_head& head) { head.notes[run_id] = 0; });
}
void deny_being_ready() {
  keep_writing([](ring_head& head) { head.notes[is_ready] = head.notes[run_id] = 0; });
}
void begin_again_and_again() {
  keep_writing([](ring_head& head) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    head.notes[begun_at] =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  });
}

/// Puts a record of so many bytes into each channel, in a ring that is large enough.
void answer_with_much(std::uint64_t size, bool allocated) {
  for (ring_head* const head : all_rings()) {
    std::uint32_t ring = 0;
    while (detail::ring_size(ring) < size + sizeof(detail::record_head)) ++ring;
    const auto offset = static_cast<off_t>(detail::ring_offset(ring));
    const auto end = static_cast<off_t>(detail::ring_offset(ring + 1));
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      const int number = std::stoi(entry.path().filename());
      struct stat status {};
      if (::fstat(number, &status) != 0 || !S_ISREG(status.st_mode)) continue;
      ring_head in_file{};
      if (::pread(number, static_cast<void*>(&in_file.mark), sizeof in_file.mark, 0) != sizeof in_file.mark ||
          in_file.mark != ring_head::mark_value)
        continue;
      BOOST_REQUIRE(::ftruncate(number, std::max<off_t>(end, status.st_size)) == 0);
      if (allocated) BOOST_REQUIRE(::fallocate(number, 0, offset, end - offset) == 0);
      const detail::record_head record{size, 0, 0, 1, 0};
      BOOST_REQUIRE(::pwrite(number, &record, sizeof record, offset) == sizeof record);
    }
    auto& words = head->rings[ring];
    const detail::ring_position from{0, 100}, to{detail::record_units(size), 101};
    words.head = words.next = words.seen_tail = from.word();
    words.tail = to.word();
    head->writing = head->reading = ring;
  }
  ::pause();
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Gives away the only handle of a socket that is slow to close.
file give_stuck_socket() {
  static std::vector<unique_handle> kept;
  stuck_socket stuck;
  kept.push_back(std::move(stuck.other));
  return file::adopt(std::move(stuck.full));
}
file give_stuck_socket_but_first(int number) {
  if (number == 0) throw std::runtime_error("there is none at first");
  return give_stuck_socket();
}

/// In a process of its own, for it may never come back: drops an answer in some way, and goes on.
bool goes_on_after(void (*dropping)(const pool&)) {
  forked_child honest([&] {
    pool pool(1);
    dropping(pool);
    return pool.apply(fn<&square>, 3) == 9 ? 0 : 1;
  });
  try {
    return honest.wait() == 0;
  } catch (const std::runtime_error&) {
    return false;
  }
}

/// Calls of honest tasks, beside a worker that does `what`.
void honest_tasks_are_done_beside(void (*bad)(const pool&, const signals&)) {
  signals given;
  pool pool(3, {}, fn<&take_signals>, given);
  bad(pool, given);
  wait_until([&] { return *given.count != 0; });
  const auto others =
      pool.with({.timeout = 10s}).map_async(fn<&square>, boost::irange(0, 200), {.chunk_size = 1});
  BOOST_TEST(outcome(others) == squares(200), boost::test_tools::per_element());
  pool.terminate();
}

template <auto Bad>
void submit_bad(const pool& to, const signals&) {
  to.submit(fn<Bad>);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile_workers)

BOOST_AUTO_TEST_CASE(a_worker_that_keeps_the_lock_of_its_tasks_keeps_those_of_nobody_else) {
  honest_tasks_are_done_beside(&submit_bad<&keep_the_lock>);
}

BOOST_AUTO_TEST_CASE(a_worker_that_stops_with_the_lock_of_its_tasks_keeps_those_of_nobody_else) {
  honest_tasks_are_done_beside(&submit_bad<&keep_the_lock_and_stop>);
}

BOOST_AUTO_TEST_CASE(a_worker_whose_rings_never_end_keeps_the_tasks_of_nobody_else) {
  signals given;
  pool pool(2, {}, fn<&take_signals>, given);
  const auto bad = pool.submit(fn<&go_round_in_empty_rings>);
  wait_until([&] { return *given.count != 0; });
  // What goes to it is lost with it, and nothing else is.
  wait_until_squares_are_right(pool);
  pool.terminate();
}

BOOST_AUTO_TEST_CASE(a_worker_that_speaks_of_leases_is_killed_like_any_that_closes_its_answers) {
  signals given;
  pool pool(1, {}, fn<&take_signals>, given);
  const auto bad = pool.submit(fn<&never_be_done_with_leases>);
  BOOST_CHECK_THROW(outcome(bad), worker_died);
  BOOST_TEST(outcome(pool.submit(fn<&square>, 3)) == 9);
}

BOOST_AUTO_TEST_CASE(a_worker_that_says_it_has_no_room_gets_tasks_all_the_same) {
  pool pool(1);
  BOOST_TEST(pool.apply(fn<&pretend_to_be_full>, 1) == 1);
  BOOST_TEST(outcome(pool.map_async(fn<&square>, boost::irange(0, 50), {.chunk_size = 1})) == squares(50),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_worker_that_denies_what_it_is_at_does_not_outlive_the_timeout) {
  for (const auto bad : {+[](const pool_calls<>& to) { return to.submit(fn<&deny_having_begun>); },
                         +[](const pool_calls<>& to) { return to.submit(fn<&deny_being_ready>); },
                         +[](const pool_calls<>& to) { return to.submit(fn<&begin_again_and_again>); }}) {
    signals given;
    pool pool(1, {}, fn<&take_signals>, given);
    BOOST_TEST(outcome(pool.submit(fn<&square>, 2)) == 4);
    const auto task = bad(pool.with({.timeout = 300ms}));
    BOOST_CHECK_THROW(outcome(task), worker_died);
    BOOST_TEST(outcome(pool.submit(fn<&square>, 3)) == 9);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_has_paid_for_is_not_copied) {
  pool_options options;
  options.limit.bytes = std::size_t{1} << 20U;
  for (const auto& [size, allocated] :
       {std::pair(std::uint64_t{1500} << 20U, false), std::pair(std::uint64_t{100} << 20U, true)}) {
    pool pool(1, options);
    const std::size_t before = resident_bytes();
    BOOST_CHECK_THROW(outcome(pool.submit(fn<&answer_with_much>, size, allocated)), worker_died);
    BOOST_TEST(resident_bytes() < before + (std::size_t{64} << 20U));
    BOOST_TEST(outcome(pool.submit(fn<&square>, 3)) == 9);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_slow_to_close_holds_nobody_up_who_drops_it) {
  BOOST_TEST(goes_on_after([](const pool& from) { from.submit(fn<&give_stuck_socket>); }));
  BOOST_TEST(goes_on_after([](const pool& from) { from.submit(fn<&give_stuck_socket>).wait(); }));
  BOOST_TEST(goes_on_after([](const pool& from) {
    const std::vector<int> numbers{0, 1};
    BOOST_CHECK_THROW(from.map(fn<&give_stuck_socket_but_first>, numbers, {.chunk_size = 2}),
                      std::runtime_error);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
