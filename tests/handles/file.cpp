// SPDX-License-Identifier: BSL-1.0
// Files as values: opening, positions, crossing, and what goes wrong.
#include <ferry/error.hpp>
#include <ferry/file.hpp>

#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/exceptions.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

struct scratch_file {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("ferry_file_" + std::to_string(::getpid()));
  scratch_file() { std::filesystem::remove(path); }
  ~scratch_file() { std::filesystem::remove(path); }
};

std::string read(file& from, std::size_t most) {
  std::string text(most, '\0');
  text.resize(from.read(std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(files)

BOOST_AUTO_TEST_CASE(a_missing_file_is_named_and_a_closed_handle_or_second_creation_refused) {
  BOOST_CHECK_EXCEPTION(file::open("/nowhere/at/all"), system_error,
                        fails_with(std::errc::no_such_file_or_directory, "/nowhere/at/all"));
  BOOST_CHECK_THROW(file::adopt(unique_handle()), system_error);
  const scratch_file scratch;
  file::open(scratch.path, file::mode::create);
  BOOST_CHECK_THROW(file::open(scratch.path, file::mode::create), system_error);
}

BOOST_AUTO_TEST_CASE(a_file_open_for_reading_takes_no_bytes) {
  file null = file::open("/dev/null");
  BOOST_CHECK_THROW(null.write("x"), system_error);
}

// known failure 7: a reader that is gone is an error of the writer at once
BOOST_AUTO_TEST_CASE(a_pipe_without_a_reader_is_an_exception_and_no_signal) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  file writer = file::adopt(unique_handle(ends[1]));
  unique_handle(ends[0]).reset();
  BOOST_CHECK_EXCEPTION(writer.write("x"), system_error,
                        [](const system_error& problem) { return problem.code() == std::errc::broken_pipe; });
  BOOST_CHECK_THROW(writer.seek(0), system_error);
}

BOOST_AUTO_TEST_CASE(text_written_in_any_mode_is_read_back) {
  const scratch_file scratch;
  file made = file::open(scratch.path, file::mode::create);
  made.write("hello, world");
  BOOST_TEST(made.position() == 12U);
  BOOST_TEST(made.size() == 12U);
  BOOST_TEST(made.seek(-5, file::origin::end) == 7U);
  BOOST_TEST(read(made, 100) == "world");
  BOOST_TEST(read(made, 100) == "");

  file::open(scratch.path, file::mode::append).write("!");
  file again = file::open(scratch.path);
  BOOST_TEST(read(again, 100) == "hello, world!");
  file::open(scratch.path, file::mode::write).write("x");
  BOOST_TEST(again.size() == 1U);
  file::open(scratch.path, file::mode::read_write).write("y");
  again.seek(0);
  BOOST_TEST(read(again, 100) == "y");
}

BOOST_AUTO_TEST_CASE(a_file_that_crossed_shares_the_position) {
  const scratch_file scratch;
  file here = file::open(scratch.path, file::mode::create);
  here.write("0123456789");
  here.seek(2);
  file there = cross(here);
  BOOST_TEST(read(there, 3) == "234");
  BOOST_TEST(read(here, 3) == "567");
  BOOST_TEST((::fcntl(there.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

// conformance: _TestConnection.test_fd_transfer
BOOST_AUTO_TEST_CASE(a_child_writes_to_a_file_that_crossed) {
  const scratch_file scratch;
  file here = file::open(scratch.path, file::mode::create);
  file there = cross(here);
  BOOST_TEST(fork_child([&there] {
               there.write("bar");
               return 0;
             }) == 0);
  here.seek(0);
  BOOST_TEST(read(here, 10) == "bar");
}

BOOST_AUTO_TEST_CASE(a_released_handle_is_not_closed) {
  file null = file::open("/dev/null");
  const int number = null.native_handle();
  const unique_handle released = std::move(null).release();
  BOOST_TEST(released.native() == number);
  BOOST_TEST(::fcntl(number, F_GETFD) >= 0);
}

BOOST_AUTO_TEST_CASE(a_duplicate_has_the_position_in_common_and_a_life_of_its_own) {
  const scratch_file scratch;
  file original = file::open(scratch.path, file::mode::create);
  std::optional<file> second = original.duplicate();
  BOOST_TEST(second->native_handle() != original.native_handle());
  second->write("both");
  BOOST_TEST(original.position() == 4U);
  const file moved = std::move(*second);
  BOOST_CHECK_EXCEPTION(second->duplicate(), error, says("this file is empty: it was moved from"));
  second.reset();
  original.write(" live");
  BOOST_TEST(moved.size() == 9U);
}

BOOST_AUTO_TEST_SUITE_END()
