// SPDX-License-Identifier: BSL-1.0
// Arenas: what does not fit, what a hostile peer may send for a location in one, and many objects in one.
#include <ferry/archive.hpp>
#include <ferry/arena.hpp>
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/mutex.hpp>

#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/leaks.hpp"
#include "support/lock_cases.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <limits>
#include <set>
#include <string>
#include <sys/mman.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using detail::shared_location;

namespace {

constexpr detail::shared_kind kind = detail::make_shared_kind("test"),
                              other_kind = detail::make_shared_kind("else");
constexpr int sealed = F_SEAL_SHRINK | F_SEAL_GROW;

shared_location arrive(const shared_location& location, std::uint64_t offset, detail::shared_kind as = kind,
                       std::size_t size = 16) {
  return {duplicate(std::get<0>(location.parts())), offset, as, size};
}

unique_handle memfd(std::size_t size, bool allocated, int seals) {
  unique_handle made(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  BOOST_REQUIRE(::ftruncate(made.native(), static_cast<off_t>(size)) == 0);
  if (allocated) BOOST_REQUIRE(::fallocate(made.native(), 0, 0, static_cast<off_t>(size)) == 0);
  if (seals != 0) BOOST_REQUIRE(::fcntl(made.native(), F_ADD_SEALS, seals) == 0);
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(arenas)

BOOST_AUTO_TEST_CASE(an_arena_beyond_all_bounds_is_refused) {
  BOOST_CHECK_THROW(arena{std::numeric_limits<std::size_t>::max()}, system_error);
  BOOST_CHECK_THROW(arena{std::size_t{1} << 50U}, system_error);
}

BOOST_AUTO_TEST_CASE(an_object_that_does_not_fit_is_refused_with_sizes_and_the_cure) {
  const arena room(200);
  BOOST_TEST(room.size() == 256U);  // whole cache lines
  shared_location(room, kind, 100);
  BOOST_TEST(room.used() == 128U);
  BOOST_CHECK_EXCEPTION(
      shared_location(room, kind, 129), system_error,
      fails_with(std::errc::no_space_on_device,
                 "place 192 bytes in an arena of 256 of which 128 are taken: make a larger"));
  BOOST_TEST(room.used() == 128U);
  shared_location(room, kind, 120);
  BOOST_CHECK_THROW(shared_location(room, kind, 1), system_error);
  BOOST_CHECK_THROW(shared_location(arena(0), kind, 1), system_error);
}

BOOST_AUTO_TEST_CASE(an_offset_without_an_object_is_refused) {
  const arena room(1024);
  const shared_location here(room, kind, 16), next(room, other_kind, 100);
  const std::uint64_t offset = std::get<1>(here.parts());
  BOOST_TEST((arrive(here, offset) == here));
  const auto none = says("no such synchronisation object at offset");
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{8}, offset - 1, offset + 1, offset + 8,
                                  offset + 64, offset + 128, offset + 640, std::uint64_t{1032},
                                  std::uint64_t{4096 + 8}, most, most - 7, most - 55, most / 64 * 64 + 8})
    BOOST_CHECK_EXCEPTION(arrive(here, bad), archive_error, none);
  BOOST_CHECK_EXCEPTION(arrive(here, offset, other_kind), archive_error, none);
  BOOST_CHECK_EXCEPTION(arrive(here, offset, kind, 8), archive_error, none);
  BOOST_CHECK_EXCEPTION(arrive(here, offset, kind, 17), archive_error, none);
}

BOOST_AUTO_TEST_CASE(a_label_that_promises_more_than_there_is_is_refused) {
  const arena room(128);
  const shared_location first(room, kind, 16), last(room, kind, 16);
  const std::uint32_t size = 1000;
  std::memcpy(last.address() - 4, &size, sizeof size);
  BOOST_CHECK_THROW(arrive(last, std::get<1>(last.parts()), kind, size), archive_error);
}

// How much is taken is a number that every process with the arena can write.
BOOST_AUTO_TEST_CASE(a_fill_level_that_a_peer_has_spoiled_puts_no_object_astray) {
  const arena room(1024);
  const shared_location here(room, kind, 16);
  std::byte* const fill_level = here.address() - std::get<1>(here.parts()) + sizeof(std::uint64_t);
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t spoiled :
       {std::uint64_t{3}, std::uint64_t{1000}, std::uint64_t{1025}, most - 63}) {
    std::memcpy(fill_level, &spoiled, sizeof spoiled);
    BOOST_CHECK_THROW(shared_location(room, kind, 16), system_error);
  }
}

BOOST_AUTO_TEST_CASE(memory_that_is_no_arena_is_refused) {
  const auto arrives = [](unique_handle memory) { return shared_location(std::move(memory), 72, kind, 16); };
  const auto not_sound = says("not sealed, writable memory");
  BOOST_CHECK_EXCEPTION(arrives(memfd(4096, true, 0)), archive_error, not_sound);
  BOOST_CHECK_EXCEPTION(arrives(memfd(4096, false, sealed)), archive_error, not_sound);
  BOOST_CHECK_EXCEPTION(arrives(memfd(32, true, sealed)), archive_error, not_sound);
  BOOST_CHECK_EXCEPTION(arrives(memfd(0, false, sealed)), archive_error, not_sound);
  BOOST_CHECK_EXCEPTION(arrives(memfd(4096, true, sealed)), archive_error, says("holds something else"));
  BOOST_CHECK_THROW(arrives(unique_handle(::open("/dev/null", O_RDWR | O_CLOEXEC))), error);
  BOOST_CHECK_THROW(arrives(unique_handle(::open("/dev/zero", O_RDWR | O_CLOEXEC))), error);
  BOOST_CHECK_THROW(arrives(unique_handle(::open("/", O_RDONLY | O_CLOEXEC))), error);
  const shared_location location(kind, 16);
  const std::string path = "/proc/self/fd/" + std::to_string(std::get<0>(location.parts()).native());
  // As long as it is mapped here the handle only has to be of the same memory.
  BOOST_TEST((arrives(unique_handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC))) == location));
  unique_handle read_only(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  BOOST_TEST(fork_child([&] {
               // A process that has not mapped it.
               const_cast<shared_location&>(location) = shared_location(kind, 16);
               try {
                 arrives(std::move(read_only));
                 return 1;
               } catch (const archive_error& problem) {
                 return not_sound(problem) ? 0 : 2;
               }
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_location_that_arrives_is_where_it_is_already) {
  const shared_location own(kind, 16);
  BOOST_TEST((arrive(own, std::get<1>(own.parts())) == own));
  const arena room(1024);
  const shared_location first(room, kind, 16), second(room, kind, 16);
  BOOST_TEST((arrive(second, std::get<1>(second.parts())) == second));
  BOOST_TEST(!(first == second));
}

BOOST_AUTO_TEST_CASE(a_location_is_zero_and_has_its_cache_lines_for_itself) {
  const arena room(4096);
  const std::vector<std::size_t> sizes = {1, 8, 56, 57, 64, 120, 121};
  std::vector<shared_location> locations;
  for (const std::size_t size : sizes) locations.emplace_back(room, kind, size);
  std::set<std::uintptr_t> lines;
  for (std::size_t i = 0; i < locations.size(); ++i) {
    const std::size_t size = sizes[i];
    const std::byte* const begin = locations[i].address();
    BOOST_TEST(std::count(begin, begin + size, std::byte{0}) == static_cast<std::ptrdiff_t>(size));
    const auto first = reinterpret_cast<std::uintptr_t>(begin) / 64;
    const auto last = (reinterpret_cast<std::uintptr_t>(begin) + size - 1) / 64;
    for (auto line = first; line <= last; ++line) BOOST_TEST(lines.insert(line).second);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(begin) % 8 == 0U);
  }
}

BOOST_AUTO_TEST_CASE(threads_and_processes_take_different_locations) {
  const arena room(64 * 4000);
  const auto take = [&] {
    for (int i = 0; i < 1000; ++i) {
      const shared_location mine(room, kind, 8);
      auto& count = *reinterpret_cast<std::uint64_t*>(mine.address());
      if (++count != 1) return 1;
    }
    return 0;
  };
  forked_child first(take), second(take);
  auto third = std::async(std::launch::async, take);
  BOOST_TEST(take() == 0);
  BOOST_TEST(third.get() == 0);
  BOOST_TEST(first.wait() == 0);
  BOOST_TEST(second.wait() == 0);
  BOOST_TEST(room.used() == room.size());
}

BOOST_AUTO_TEST_CASE(the_memory_lasts_as_long_as_somebody_has_an_object_in_it_and_no_longer) {
  const holdings before = holdings::now();
  {
    const auto left = [] {
      const arena room(1024);
      shared_location(room, kind, 16);
      return shared_location(room, kind, 16);
    }();
    *left.address() = std::byte{1};
    BOOST_TEST(holdings::now().descriptors.size() == before.descriptors.size() + 1);
  }
  BOOST_TEST(holdings::now().difference(before) == "");
}

BOOST_AUTO_TEST_CASE(a_failing_mapping_leaves_nothing) {
  const shared_location location(kind, 16);
  const holdings before = holdings::now();
  const scoped_system_call failing(&os::system_calls::mmap, [](void*, size_t, int, int, int, off_t) {
    errno = ENOMEM;
    return MAP_FAILED;
  });
  BOOST_CHECK_THROW(arena(64), system_error);
  BOOST_CHECK_THROW(shared_location(kind, 16), system_error);
  BOOST_CHECK_THROW(mutex(), system_error);
  BOOST_TEST(holdings::now().difference(before) == "");
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_is_told_so_and_its_arenas_still_have_room) {
  const arena room(64);
  const scoped_fd_limit none(0);
  BOOST_CHECK_EXCEPTION(mutex(), system_error, fails_with(std::errc::too_many_files_open, "ulimit -n"));
  const mutex fits(room);
  fits.lock();
  fits.unlock();
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_locks_cross_in_one_message_with_two_handles) {
  constexpr std::size_t count = 100'000;
  auto [here, there] = pipe();
  here.options().mode = transfer::duplicate;
  here.options().limit.handles = there.options().limit.handles = count;  // each lock uses the one handle
  const arena room(64 * count);
  std::vector<mutex> rows;
  for (std::size_t i = 0; i < count; ++i) rows.emplace_back(room);
  // One and the same; a message counts at most 65535 uses of each.
  BOOST_TEST(dumps(rows, {.mode = transfer::duplicate}).handles().size() == 2U);
  forked_child other([&, &end = there] {
    const auto got = end.recv<std::vector<mutex>>();
    for (const mutex& each : got) {
      each.lock();
      each.unlock();
    }
    got.back().lock();
    end.send(got.size());
    return ::pause();
  });
  here.send(rows);
  BOOST_TEST(here.recv_for<std::size_t>(patience).value() == count);
  BOOST_TEST(rows.back().owner() == other.pid());
  BOOST_TEST(rows.front().try_lock());
  rows.front().unlock();
}

BOOST_AUTO_TEST_SUITE_END()
