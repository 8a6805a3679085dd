// SPDX-License-Identifier: BSL-1.0
// What a pool asks of its input, and when: nothing when it is closed, and of a range that can be read once no
// more than that.
#include <ferry/shared_array.hpp>

#include "pool/support.hpp"

#include <boost/range/adaptor/transformed.hpp>
#include <boost/range/irange.hpp>
#include <boost/range/istream_range.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <iterator>
#include <ranges>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <tuple>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

/// How often a range was asked what.
struct questions {
  int begins = 0, ends = 0, sizes = 0;
  std::vector<int> dereferences, increments;
};

/// A range of 0, 1, ... that counts, is read once, and ends with a sentinel of its own.
class counted_range {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    iterator(questions& asked, int count) : asked_(&asked), count_(count) {}
    iterator(iterator&&) = default;
    iterator& operator=(iterator&&) = default;
    int operator*() const {
      ++asked_->dereferences.at(static_cast<std::size_t>(at_));
      return at_;
    }
    iterator& operator++() {
      ++asked_->increments.at(static_cast<std::size_t>(at_++));
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.at_ == it.count_; }
    int at() const { return at_; }

   private:
    questions* asked_;
    int at_ = 0, count_;
  };

  counted_range(questions& asked, int count) : asked_(&asked), count_(count) {
    asked.dereferences.resize(static_cast<std::size_t>(count));
    asked.increments.resize(static_cast<std::size_t>(count));
  }
  iterator begin() const {
    ++asked_->begins;
    return {*asked_, count_};
  }
  std::default_sentinel_t end() const {
    ++asked_->ends;
    return {};
  }
  std::size_t size() const {
    ++asked_->sizes;
    return static_cast<std::size_t>(count_);
  }

 private:
  questions* asked_;
  int count_;
};

/// What `for` can read, though it is no range of the standard: its iterators have no default.
struct old_range {
  struct iterator {
    int at;
    explicit iterator(int number) : at(number) {}
    int operator*() const { return at; }
    iterator& operator++() {
      ++at;
      return *this;
    }
    friend bool operator==(const iterator& left, const iterator& right) { return left.at == right.at; }
  };
  int first = 0, last = 0;
  iterator begin() const { return iterator(first); }
  iterator end() const { return iterator(last); }
};
static_assert(!std::ranges::range<old_range>);

int twice(int number) {
  return 2 * number;
}
std::string twice_text(const std::string& text) {
  return text + text;
}
std::string spell(int number) {
  return std::to_string(number);
}
void count_calls(int) {
  ++*told()->count;
}
int element(const shared_array<int>& of, int index) {
  return of[static_cast<std::size_t>(index)];
}

/// All calls of a pool, of an input.
template <class Range>
void every_call_refuses(const pool_calls<>& to, const Range& input) {
  BOOST_CHECK_THROW(to.map(fn<&twice>, input), pool_closed);
  BOOST_CHECK_THROW(to.map_async(fn<&twice>, input), pool_closed);
  BOOST_CHECK_THROW(to.imap(fn<&twice>, input), pool_closed);
  BOOST_CHECK_THROW(to.imap_unordered(fn<&twice>, input), pool_closed);
  const auto tuples = input | boost::adaptors::transformed([](int n) { return std::tuple(n); });
  BOOST_CHECK_THROW(to.starmap(fn<&twice>, tuples), pool_closed);
  BOOST_CHECK_THROW(to.starmap_async(fn<&twice>, tuples), pool_closed);
  BOOST_CHECK_THROW(to.submit(fn<&twice>, 1), pool_closed);
  BOOST_CHECK_THROW(to.apply(fn<&twice>, 1), pool_closed);
  BOOST_CHECK_THROW(to.template with_state<int>(fn<&twice>, 1), pool_closed);
}

/// The limit of descriptors of this process, for a while.
class fewer_descriptors {
 public:
  explicit fewer_descriptors(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit fewer{limit, before_.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &fewer) == 0);
  }
  ~fewer_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(inputs)

BOOST_AUTO_TEST_CASE(a_pool_that_takes_no_more_refuses_every_call_whatever_its_input) {
  const std::vector<int> none, some{1, 2};
  const std::array<void (*)(pool&), 3> ends{[](pool& to) { to.close(); }, [](pool& to) { to.terminate(); },
                                            [](pool& to) {
                                              to.close();
                                              to.join();
                                            }};
  for (const auto end : ends) {
    pool pool(1);
    const pool_calls<> other = pool.with({.retries = 1});
    end(pool);
    every_call_refuses(pool, none);
    every_call_refuses(pool, some);
    every_call_refuses(other, none);
  }
}

BOOST_AUTO_TEST_CASE(a_pool_that_takes_no_more_asks_nothing_of_its_input) {
  pool pool(1);
  pool.terminate();
  questions asked;
  BOOST_CHECK_THROW(pool.map(fn<&twice>, counted_range(asked, 4)), pool_closed);
  BOOST_CHECK_THROW(pool.map_async(fn<&twice>, counted_range(asked, 4)), pool_closed);
  BOOST_CHECK_THROW(pool.imap(fn<&twice>, counted_range(asked, 4)), pool_closed);
  BOOST_TEST(asked.begins == 0);
  BOOST_TEST(asked.ends == 0);
  BOOST_TEST(asked.sizes == 0);
}

BOOST_AUTO_TEST_CASE(a_pool_that_has_ended_throws_why_for_an_empty_input_too) {
  pool pool(
      1, {}, [](int) { throw std::domain_error("no worker gets ready"); }, 1);
  BOOST_CHECK_THROW(outcome(pool.submit(fn<&twice>, 1)), std::domain_error);
  BOOST_CHECK_THROW(pool.map(fn<&twice>, std::vector<int>()), std::domain_error);
  BOOST_CHECK_THROW(pool.imap(fn<&twice>, std::vector<int>()), std::domain_error);
}

BOOST_DATA_TEST_CASE(a_range_that_is_read_once_is_asked_everything_once,
                     boost::unit_test::data::make({0U, 1U, 3U}), chunk) {
  pool pool(2);
  const auto check = [](const questions& asked, int count) {
    BOOST_TEST(asked.begins == 1);
    BOOST_TEST(asked.ends == 1);
    BOOST_TEST(asked.sizes == 0);
    BOOST_TEST(asked.dereferences == std::vector<int>(static_cast<std::size_t>(count), 1),
               boost::test_tools::per_element());
    BOOST_TEST(asked.increments == std::vector<int>(static_cast<std::size_t>(count), 1),
               boost::test_tools::per_element());
  };
  const map_options options{.chunk_size = chunk};
  for (const int count : {0, 1, 10}) {
    questions plain, items, handed, lazily;
    BOOST_TEST(pool.map(fn<&twice>, counted_range(plain, count), options).size() ==
               static_cast<std::size_t>(count));
    check(plain, count);
    BOOST_TEST(pool.map(fn<&spell>, counted_range(items, count), options).size() ==
               static_cast<std::size_t>(count));
    check(items, count);
    pool.map_async(fn<&spell>, counted_range(handed, count), options).get();
    check(handed, count);
    for (const int each : pool.imap(fn<&twice>, counted_range(lazily, count), options))
      BOOST_TEST(each % 2 == 0);
    check(lazily, count);
  }
}

BOOST_AUTO_TEST_CASE(an_element_is_handed_over_before_the_next_one_is_asked_for) {
  pool pool(1);
  questions asked;
  auto results = pool.imap(fn<&spell>, counted_range(asked, 3), {.chunk_size = 1, .max_in_flight = 1});
  auto at = results.begin();
  BOOST_TEST(*at == "0");
  BOOST_TEST(asked.increments[0] == 0);
  ++at;
  BOOST_TEST(*at == "1");
  BOOST_TEST(asked.increments[0] == 1);
  BOOST_TEST(asked.increments[1] == 0);
}

BOOST_AUTO_TEST_CASE(all_of_a_stream_is_read_whatever_finds_a_size_for_it) {
  pool pool(2);
  std::istringstream numbers("1 2 3 4"), words("a b c"), more("5 6");
  BOOST_TEST(pool.map(fn<&twice>, boost::istream_range<int>(numbers)) == (std::vector{2, 4, 6, 8}),
             boost::test_tools::per_element());
  BOOST_TEST(pool.map(fn<&twice_text>, boost::istream_range<std::string>(words)).size() == 3U);
  BOOST_TEST(
      pool.map(fn<&twice>, boost::istream_range<int>(more), {.chunk_size = 1}) == (std::vector{10, 12}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_that_is_none_of_the_standard_is_read_as_for_reads_it) {
  pool pool(2);
  const old_range kept{1, 5};
  const std::vector<int> doubled{2, 4, 6, 8};
  BOOST_TEST(pool.map(fn<&twice>, old_range{1, 5}) == doubled, boost::test_tools::per_element());
  BOOST_TEST(pool.map_async(fn<&twice>, kept).get() == doubled, boost::test_tools::per_element());
  std::vector<int> read;
  for (const int each : pool.imap(fn<&twice>, kept)) read.push_back(each);
  BOOST_TEST(read == doubled, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_list_of_elements_is_an_input) {
  pool pool(2);
  const std::vector<int> doubled{2, 4, 6};
  BOOST_TEST(pool.map(fn<&twice>, {1, 2, 3}) == doubled, boost::test_tools::per_element());
  BOOST_TEST(pool.map_async(fn<&twice>, {1, 2, 3}, {.chunk_size = 1}).get() == doubled,
             boost::test_tools::per_element());
  std::vector<int> read;
  for (const int each : pool.imap(fn<&twice>, {1, 2, 3})) read.push_back(each);
  BOOST_TEST(read == doubled, boost::test_tools::per_element());
  BOOST_TEST(pool.starmap(fn<&twice>, {std::tuple(1), std::tuple(2), std::tuple(3)}) == doubled,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_map_of_calls_without_results_is_waited_for) {
  signals given;
  pool pool(2, {}, fn<&take_signals>, given);
  const task<void> all = pool.map_async(fn<&count_calls>, boost::irange(0, 20));
  outcome(all);
  BOOST_TEST(*given.count == 20);
  pool.starmap_async(fn<&count_calls>, {std::tuple(1)}).get();
  BOOST_TEST(*given.count == 21);
}

BOOST_AUTO_TEST_CASE(items_with_handles_are_more_than_there_are_descriptors) {
  constexpr int count = 600;
  shared_array<int> numbers(count);
  for (int i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = 3 * i;
  pool pool(2);
  const fewer_descriptors limit(150);
  const auto items =
      boost::irange(0, count) | boost::adaptors::transformed([&](int i) { return std::tuple(numbers, i); });
  const auto check = [](const std::vector<int>& results) {
    BOOST_REQUIRE(results.size() == std::size_t{count});
    for (int i = 0; i < count; ++i) BOOST_TEST(results[static_cast<std::size_t>(i)] == 3 * i);
  };
  check(pool.starmap(fn<&element>, items));
  check(pool.starmap(fn<&element>, items, {.chunk_size = count}));
  check(pool.starmap_async(fn<&element>, items).get());
  std::vector<task<int>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(pool.submit(fn<&element>, numbers, i));
  std::vector<int> results;
  for (const auto& each : tasks) results.push_back(outcome(each));
  check(results);
}

// With a hard limit of 1024 as well about 150 workers can be had, or a few less by the forkserver: each takes
// six descriptors, or seven.
BOOST_AUTO_TEST_CASE(a_pool_of_200_workers_starts_under_the_usual_limit_of_descriptors) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 2048) {
    BOOST_TEST_MESSAGE("not tested: the hard limit of descriptors is " << limit.rlim_max);
    return;
  }
  const fewer_descriptors usual(1024);
  const pool pool(200, by(start_method::fork));
  BOOST_TEST(pool.map(fn<&twice>, boost::irange(0, 400)).size() == 400U);
}

BOOST_AUTO_TEST_SUITE_END()
