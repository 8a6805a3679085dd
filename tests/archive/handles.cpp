// SPDX-License-Identifier: BSL-1.0
// Handles in messages: an index in the bytes, claimed as often as the writer said, never leaked. The fixture
// of all tests compares open descriptors before and after each case.
#include <ferry/connection.hpp>
#include <ferry/dispatch_table.hpp>

#include "round_trip.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace handles_test {

/// Memory of its own; each is another object to the kernel.
unique_handle fresh() {
  return unique_handle(::memfd_create("test", MFD_CLOEXEC));
}
ino_t object_of(handle_view handle) {
  struct stat facts {};
  BOOST_REQUIRE_EQUAL(::fstat(handle.native(), &facts), 0);
  return facts.st_ino;
}
std::vector<unique_handle> fresh(std::size_t count) {
  std::vector<unique_handle> made(count);
  for (unique_handle& handle : made) handle = fresh();
  return made;
}
bool is_open(int number) {
  return ::fcntl(number, F_GETFD) != -1;
}

struct two_parts {
  handle_view first, second;
};
/// Takes a handle, then fails.
struct fails_to_reduce {
  handle_view handle;
};
struct fails_to_rebuild {
  handle_view handle;
};

}  // namespace handles_test

using namespace handles_test;

template <>
struct ferry::reducer<two_parts> {
  static constexpr std::string_view name = "test.two_parts";
  static auto reduce(const two_parts& t) { return std::tuple(t.first, t.second); }
  static two_parts rebuild(unique_handle, unique_handle) { return {}; }
};
template <>
struct ferry::reducer<fails_to_reduce> {
  static constexpr std::string_view name = "test.fails_to_reduce";
  static std::tuple<handle_view> reduce(const fails_to_reduce&) { throw std::logic_error("reduce fails"); }
  static fails_to_reduce rebuild(unique_handle) { return {}; }
};
template <>
struct ferry::reducer<fails_to_rebuild> {
  static constexpr std::string_view name = "test.fails_to_rebuild";
  static auto reduce(const fails_to_rebuild& f) { return std::tuple(f.handle); }
  static fails_to_rebuild rebuild(unique_handle) { throw std::logic_error("rebuild fails"); }
};

namespace {

std::size_t open_now() {
  std::size_t count = 0;
  for (int i = 0; i != 4096; ++i) count += is_open(i) ? 1 : 0;
  return count;
}

/// The message with its body changed.
message changed(message from, const std::function<void(std::span<std::byte> body)>& change) {
  buffer bytes = from.take_buffer();
  const std::vector<std::byte> copy(bytes.bytes().begin(), bytes.bytes().end());
  change(bytes.writable_bytes().subspan(body_of(copy)));
  return message(std::move(bytes), from.take_handles());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handles)

BOOST_AUTO_TEST_CASE(an_empty_handle_cannot_be_written) {
  CHECK_THROWS_SAYING(archive_error, "an empty handle cannot be written", dumps(unique_handle()));
}

BOOST_AUTO_TEST_CASE(an_index_past_the_handles_of_the_message_is_refused) {
  CHECK_THROWS_SAYING(
      archive_error, "handle 1 is asked for, and the message has 1",
      loads<unique_handle>(changed(dumps(fresh()), [](auto body) { body[0] = std::byte{1}; })));
}

BOOST_AUTO_TEST_CASE(a_handle_claimed_twice_is_refused) {
  using pair = std::pair<unique_handle, unique_handle>;
  // The second one claims what the first has claimed.
  CHECK_THROWS_SAYING(
      archive_error, "handle 0 is claimed a second time",
      loads<pair>(changed(dumps(pair(fresh(), fresh())), [](auto body) { body[6] = std::byte{0}; })));
}

BOOST_AUTO_TEST_CASE(a_handle_used_before_it_is_claimed_or_more_often_than_said_is_refused) {
  CHECK_THROWS_SAYING(
      archive_error, "used again before it is claimed",
      loads<unique_handle>(changed(dumps(fresh()), [](auto body) { body[4] = std::byte{0}; })));
  const unique_handle one = fresh();
  const std::vector<handle_view> twice(2, one.view());
  auto what = changed(dumps(std::span(twice)), [](auto body) { body[1 + 4] = std::byte{1}; });
  CHECK_THROWS_SAYING(archive_error, "used more often than the message said",
                      loads<std::vector<unique_handle>>(std::move(what)));
}

BOOST_AUTO_TEST_CASE(another_number_of_handles_than_the_head_says_is_refused) {
  message what = dumps(fresh());
  buffer bytes = what.take_buffer();
  CHECK_THROWS_SAYING(archive_error, "says that it has 1 handles, 0 came with it",
                      loads<unique_handle>(message(std::move(bytes))));
  CHECK_THROWS_SAYING(archive_error, "says that it has 0 handles, 1 came with it",
                      loads<int>(message(dumps(1).take_buffer(), fresh(1))));
  const message with_handle = dumps(fresh());
  CHECK_THROWS_SAYING(archive_error, "says that it has 1 handles, 0 came with it",
                      loads<unique_handle>(with_handle.bytes()));
}

BOOST_AUTO_TEST_CASE(more_handles_than_the_limit_are_refused_when_written_and_read) {
  archive_options few;
  few.limit.handles = 3;
  CHECK_THROWS_SAYING(limit_exceeded, "limits::handles, which is 3", dumps(fresh(4), few));
  CHECK_THROWS_SAYING(limit_exceeded, "limits::handles, which is 3",
                      loads<std::vector<unique_handle>>(dumps(fresh(4)), few));
  BOOST_TEST(crossed(fresh(3), few).size() == 3U);
}

BOOST_AUTO_TEST_CASE(one_handle_used_very_often_is_refused_at_the_limit_and_not_at_that_of_the_process) {
  archive_options few;
  few.limit.handles = 8;
  const unique_handle one = fresh();
  const std::vector<handle_view> often(9, one.view());
  CHECK_THROWS_SAYING(limit_exceeded, "limits::handles, which is 8",
                      loads<std::vector<unique_handle>>(dumps(std::span(often)), few));
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_says_so_with_limit_and_cure_and_can_go_on) {
  const std::vector<unique_handle> sent = fresh(8);
  {
    const scoped_fd_limit limit(4);
    try {
      dumps(sent);
      BOOST_ERROR("nothing was thrown");
    } catch (const system_error& error) {
      BOOST_TEST(error.code().value() == EMFILE);
      BOOST_TEST(contains(error.what(), "limit of open descriptors is"));
      BOOST_TEST(contains(error.what(), "ulimit -n"));
    }
  }
  BOOST_TEST(crossed(sent).size() == 8U);

  // When read: a handle used twice needs a second descriptor.
  const std::vector<handle_view> twice(2, sent[0].view());
  message what = dumps(std::span(twice));
  const scoped_fd_limit limit(0);
  CHECK_THROWS_SAYING(system_error, "limit of open descriptors is",
                      loads<std::vector<unique_handle>>(std::move(what)));
}

BOOST_AUTO_TEST_CASE(a_reducer_that_throws_midway_leaks_nothing) {
  const unique_handle one = fresh();
  const std::size_t before = open_now();
  BOOST_CHECK_THROW(dumps(std::pair(two_parts{one, one}, fails_to_reduce{one})), std::logic_error);
  BOOST_TEST(open_now() == before);
}

BOOST_AUTO_TEST_CASE(a_message_crosses_within_a_message_with_its_handles) {
  auto [reader, writer] = pipe();
  std::map<std::string, message> letters;
  letters["numbers"] = dumps(std::vector{1, 2, 3});
  letters["line"] = dumps(connection(duplicate(handle_view(writer.native_handle()))));
  auto arrived = loads<std::map<std::string, message>>(dumps(letters));
  letters.clear();
  BOOST_TEST(loads<std::vector<int>>(std::move(arrived.at("numbers"))) == (std::vector{1, 2, 3}),
             boost::test_tools::per_element());
  loads<connection>(std::move(arrived.at("line"))).send(7);
  BOOST_TEST(reader.recv<int>() == 7);
}

BOOST_AUTO_TEST_CASE(a_read_that_fails_closes_what_was_claimed_and_what_was_not) {
  const unique_handle one = fresh(), other = fresh();
  const std::size_t before = open_now();
  BOOST_CHECK_THROW(loads<fails_to_rebuild>(dumps(fails_to_rebuild{one})), std::logic_error);
  using pair = std::pair<fails_to_rebuild, two_parts>;
  BOOST_CHECK_THROW(loads<pair>(dumps(pair({one}, {other, one}))), std::logic_error);
  BOOST_CHECK_THROW(loads<std::string>(dumps(two_parts{one, other})), type_mismatch);
  BOOST_CHECK_THROW(loads<std::vector<unique_handle>>(
                        changed(dumps(fresh(3)), [](auto body) { body[1 + 2 * 6] = std::byte{9}; })),
                    archive_error);
  BOOST_TEST(open_now() == before);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_dropped_closes_its_handles) {
  const std::size_t before = open_now();
  {
    const message kept = dumps(fresh(5));
    BOOST_TEST(kept.handles().size() == 5U);
    BOOST_TEST(open_now() == before + 5);
  }
  BOOST_TEST(open_now() == before);
}

BOOST_AUTO_TEST_CASE(any_number_of_handles_crosses_in_one_message) {
  const scoped_limit room(RLIMIT_NOFILE, 4096);
  for (const std::size_t count : {0U, 1U, 253U, 254U, 1000U}) {
    const std::vector<unique_handle> sent = fresh(count);
    message what = dumps(sent);
    BOOST_TEST(what.handles().size() == count);
    const auto arrived = loads<std::vector<unique_handle>>(std::move(what));
    BOOST_REQUIRE(arrived.size() == count);
    for (std::size_t i = 0; i != count; ++i) {
      BOOST_REQUIRE_EQUAL(object_of(arrived[i]), object_of(sent[i]));
      BOOST_REQUIRE_NE(arrived[i].native(), sent[i].native());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_handle_that_arrives_is_closed_on_exec) {
  BOOST_TEST((::fcntl(crossed(fresh()).native(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(the_same_handle_twice_is_sent_once_and_arrives_as_two_that_work) {
  const unique_handle one = fresh();
  const std::vector<handle_view> three(3, one.view());
  message what = dumps(std::span(three));
  BOOST_TEST(what.handles().size() == 1U);
  auto arrived = loads<std::vector<unique_handle>>(std::move(what));
  BOOST_REQUIRE(arrived.size() == 3U);
  arrived[0].reset();
  arrived[2].reset();
  BOOST_TEST(::write(arrived[1].native(), "x", 1) == 1);
  BOOST_TEST(object_of(arrived[1]) == object_of(one));
}

BOOST_AUTO_TEST_CASE(a_number_given_to_another_object_while_the_message_is_written_is_another_handle) {
  forking_oarchive archive("test");
  const unique_handle first = fresh();
  const int number = first.native();
  archive << first;
  const unique_handle second = fresh();
  const ino_t first_object = object_of(first), second_object = object_of(second);
  BOOST_REQUIRE(::dup2(second.native(), number) == number);  // the number now stands for the second object
  archive << handle_view(number) << handle_view(number);
  message what = archive.finish();
  BOOST_TEST(what.handles().size() == 2U);
  forking_iarchive reading(std::move(what));
  unique_handle a, b, c;
  reading >> a >> b >> c;
  reading.finish();
  BOOST_TEST(object_of(a) == first_object);
  BOOST_TEST(object_of(b) == second_object);
  BOOST_TEST(object_of(c) == second_object);
}

BOOST_AUTO_TEST_CASE(handles_cross_inside_everything) {
  const auto sent = [] {
    std::vector<std::pair<std::string, std::unique_ptr<unique_handle>>> made;
    made.emplace_back("first", std::make_unique<unique_handle>(fresh()));
    made.emplace_back("none", nullptr);
    return made;
  }();
  const auto arrived = crossed(sent);
  BOOST_TEST(object_of(*arrived.at(0).second) == object_of(*sent.at(0).second));
}

BOOST_AUTO_TEST_SUITE_END()
