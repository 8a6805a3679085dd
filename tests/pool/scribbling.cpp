// SPDX-License-Identifier: BSL-1.0
// Workers that write nonsense over the memory that they share with their pool, its locks included.
#include "pool/support.hpp"

#include <boost/range/irange.hpp>

#include <algorithm>
#include <fstream>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

/// Memory that this process may write and shares with others.
std::vector<std::span<std::uint32_t>> shared_memories() {
  std::vector<std::span<std::uint32_t>> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string rights;
    words >> std::hex >> begin >> dash >> end >> rights;
    if (rights == "rw-s" && line.find("/memfd:") != std::string::npos)
      found.emplace_back(reinterpret_cast<std::uint32_t*>(begin), (end - begin) / sizeof(std::uint32_t));
  }
  return found;
}

/// @param share  of the words that are written over, of 1024
int scribble(unsigned seed, unsigned share) {
  std::minstd_rand random(seed);
  const auto value = [&]() -> std::uint32_t {
    switch (random() % 4) {
      case 0:
        return 0;
      case 1:
        return ~0U;
      case 2:
        return static_cast<std::uint32_t>(random() % 64);
      default:
        return static_cast<std::uint32_t>(random());
    }
  };
  for (const auto memory : shared_memories()) {
    // The words of the rings are in the first page, and the records behind it.
    for (std::uint32_t& word : memory.first(std::min<std::size_t>(memory.size(), 2048)))
      if (random() % 1024 < share) word = value();
  }
  return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scribbling)

BOOST_DATA_TEST_CASE(a_worker_that_writes_over_all_that_it_shares_harms_nobody_but_itself,
                     boost::unit_test::data::make({2, 64, 1024}), share) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    pool pool(2);
    const auto bad = pool.submit(fn<&scribble>, seed, static_cast<unsigned>(share));
    BOOST_REQUIRE(bad.wait_for(patience));
    // Those that it had been given may be lost with it. Then another takes its place.
    const auto others = pool.map_async(fn<&square>, boost::irange(0, 50), {.chunk_size = 1});
    BOOST_REQUIRE(others.wait_for(patience));
    wait_until_squares_are_right(pool);
  }
}

BOOST_AUTO_TEST_SUITE_END()
