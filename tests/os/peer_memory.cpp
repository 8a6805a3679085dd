// SPDX-License-Identifier: BSL-1.0
// Bounds-checked access to memory that a peer can write: what is not within it ends the process.
#include "base/peer_memory.hpp"

#include "support/child.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

using namespace ferry::test;
using ferry::detail::copy_out;
using ferry::detail::objects_in;

namespace {

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

/// Whether a process that does so ends by it.
template <class Work>
bool ends_the_process(Work work) {
  return fork_child([&] {
           work();
           return 0;
         }) == -SIGABRT;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(peer_memory)

BOOST_AUTO_TEST_CASE(a_copy_of_what_is_not_all_within_the_memory_ends_the_process) {
  const std::array<std::byte, 16> memory{};
  for (const std::size_t offset : {std::size_t{9}, std::size_t{16}, std::size_t{17}, most - 3, most})
    BOOST_TEST(ends_the_process([&] { copy_out<std::uint64_t>(memory, offset); }));
}

BOOST_AUTO_TEST_CASE(objects_that_are_not_all_within_the_memory_end_the_process) {
  alignas(8) std::array<std::byte, 16> memory{};
  for (const std::size_t count : {std::size_t{3}, most / 8, most / 8 + 3, most})
    BOOST_TEST(ends_the_process([&] { objects_in<std::uint64_t>(memory, 0, count); }));
  BOOST_TEST(ends_the_process([&] { objects_in<std::uint64_t>(memory, 24, 0); }));
  BOOST_TEST(ends_the_process([&] { objects_in<std::uint64_t>(memory, 4, 1); }));
  BOOST_TEST(ends_the_process([&] { ++objects_in<std::uint64_t>(memory, 0, 2)[2]; }));
}

BOOST_AUTO_TEST_CASE(objects_are_where_their_offset_says) {
  alignas(8) std::array<std::byte, 16> memory{};
  objects_in<std::uint64_t>(memory, 8, 1)[0] = 7;
  BOOST_TEST(copy_out<std::uint64_t>(memory, 8) == 7U);
  BOOST_TEST(copy_out<std::uint64_t>(memory, 0) == 0U);
  BOOST_TEST(objects_in<std::uint64_t>(memory, 16, 0).empty());
}

BOOST_AUTO_TEST_SUITE_END()
