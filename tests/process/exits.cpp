// SPDX-License-Identifier: BSL-1.0
// The exit of a child: what runs then, and what of its parent's does not.
#include <ferry/error.hpp>

#include "os/socket.hpp"
#include "process/support.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

/// The start methods whose children are copies.
const auto copies = boost::unit_test::data::make({start_method::fork, start_method::forkserver});

/// To whom a process tells of its exit: nobody, at first. Never destroyed, for the last that runs tells too.
connection& line_for_exit() {
  static auto& line = *new connection;
  return line;
}
void tell_of_exit(const std::string& what) {
  if (!line_for_exit().closed()) tell(line_for_exit(), what);
}
struct witness {
  std::string name;
  ~witness() { tell_of_exit(name); }
};

// A copy has what this program made before its main function; a program that is started anew makes its own.
const witness of_the_program{"object of the program"};
const int registered = std::atexit([] { tell_of_exit("handler of the program"); });

void leave_witnesses(connection line) {
  line_for_exit() = std::move(line);
  static const witness of_the_child{"object of the child"};
  std::atexit([] { tell_of_exit("handler of the child"); });
}

void tell_at_the_end_of(connection end, connection to) {
  wait_for_end(std::move(end));
  tell(to, std::string("child"));
}
/// Its exit lets the child go, waits for it, and tells, in this order: the opposite of what is said here.
void leave_a_child(start_method method, connection line) {
  line_for_exit() = std::move(line);
  std::atexit([] { tell_of_exit("parent"); });
  static auto& held = *new connection;
  auto [here, there] = pipe();
  held = std::move(here);
  // Nobody destroys it: the exit has to wait for it.
  [[maybe_unused]] static auto& child =
      *new process(by(method), fn<&tell_at_the_end_of>, std::move(there), line_for_exit());
  std::atexit([] { held.close(); });
}
void leave_a_child_of_a_child(start_method method, connection line) {
  process(by(method), fn<&leave_a_child>, method, std::move(line)).join();
}

void write_into_streams(unique_handle to, bool beside_a_thread) {
  if (beside_a_thread) std::thread([] { ::pause(); }).detach();
  ::dup2(to.native(), STDOUT_FILENO);
  std::cout << "one ";
  std::fputs("two ", stdout);
  FILE* const third = ::fdopen(to.release(), "w");
  std::fputs("three", third);
}

/// Leaves a thread that holds the lock of a stream for ever, and ends.
void leave_a_reader(unique_handle from) {
  FILE* const stream = ::fdopen(from.release(), "r");
  std::thread([stream] { std::fgetc(stream); }).detach();
  wait_until([stream] {
    if (::ftrylockfile(stream) != 0) return true;
    ::funlockfile(stream);
    return false;
  });
}

/// Exits once more while its streams are flushed: nobody reads what they write.
void exit_while_it_exits(connection line, unique_handle to) {
  line_for_exit() = std::move(line);
  std::signal(SIGPIPE, [](int) { std::exit(3); });
  ::dup2(to.native(), STDOUT_FILENO);
  to.reset();
  std::fputs("nobody reads this", stdout);
}

/// Has the number of a stream of its parent's for something else.
void take_number(int number, unique_handle to) {
  if (::dup2(to.release(), number) != number) std::exit(1);
}

std::string before_and_after(FILE* stream, const char* text) {
  std::fputs("after", stream);
  std::fflush(stream);
  return text;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(exits, no_forkserver_left)

// conformance: _TestAtExit.test_atexit
BOOST_DATA_TEST_CASE(exit_handlers_and_static_destructors_of_a_child_run_there, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&leave_witnesses>, std::move(there));
  BOOST_TEST(hear<std::string>(here) == "handler of the child");
  BOOST_TEST(hear<std::string>(here) == "object of the child");
}

BOOST_DATA_TEST_CASE(a_copy_leaves_what_its_parent_has_made_for_its_exit_alone, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&leave_witnesses>, std::move(there));
  for (int of_the_child = 0; of_the_child != 2; ++of_the_child) hear<std::string>(here);
  if (method == start_method::spawn) {
    BOOST_TEST(hear<std::string>(here) == "handler of the program");
    BOOST_TEST(hear<std::string>(here) == "object of the program");
  }
  BOOST_CHECK_THROW(hear<std::string>(here), end_of_stream);
}

BOOST_DATA_TEST_CASE(text_that_a_child_has_written_into_streams_arrives, every_start_method, method) {
  for (const bool beside_a_thread : {false, true}) {
    auto [reader, writer] = os::plain_pipe();
    process child(by(method), fn<&write_into_streams>, std::move(writer), beside_a_thread);
    const std::string text = read_all(reader);
    BOOST_TEST(text.find("one two") != std::string::npos);
    BOOST_TEST(text.find("three") != std::string::npos);
    child.join();
    BOOST_TEST(child.exit_code().value() == 0);
  }
}

BOOST_DATA_TEST_CASE(a_thread_that_waits_for_input_does_not_hold_up_the_exit, copies, method) {
  auto [reader, writer] = os::plain_pipe();
  process child(by(method), fn<&leave_a_reader>, std::move(reader));
  if (!child.join_for(patience)) child.kill();
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

BOOST_DATA_TEST_CASE(an_exit_within_the_exit_leaves_the_parents_alone_too, copies, method) {
  auto [here, there] = pipe();
  os::handle_pair output = os::plain_pipe();
  output.first.reset();
  process child(by(method), fn<&exit_while_it_exits>, std::move(there), std::move(output.second));
  BOOST_CHECK_THROW(hear<std::string>(here), end_of_stream);
  child.join();
  BOOST_TEST(child.exit_code().value() == 3);
}

// Where threads have been, streams other than the standard ones are not flushed before a fork.
BOOST_DATA_TEST_CASE(a_child_does_not_write_what_its_parent_has_still_to_write, copies, method) {
  std::thread([] {}).join();
  auto [nobody, unread] = os::plain_pipe();
  auto [reader, writer] = os::plain_pipe();
  const int number = unread.native();
  FILE* const stream = ::fdopen(unread.release(), "w");
  std::fputs("of the parent", stream);
  process child(by(method), fn<&take_number>, number, std::move(writer));
  BOOST_TEST(read_all(reader) == "");
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
  std::fclose(stream);
}

BOOST_AUTO_TEST_CASE(text_that_a_stream_writes_to_memory_stays_in_the_memory_of_a_copy) {
  std::thread([] {}).join();
  auto [here, there] = pipe();
  std::array<char, 32> text{};
  FILE* const stream = ::fmemopen(text.data(), text.size(), "w");
  std::fputs("before ", stream);
  process::fork([&, &line = there] { tell(line, before_and_after(stream, text.data())); }).join();
  BOOST_TEST(hear<std::string>(here) == "before after");
  std::fclose(stream);
}

// The first of a copy's own children is not the first that there is in its memory.
BOOST_DATA_TEST_CASE(children_left_behind_are_waited_for_at_the_exit, every_start_method, method) {
  auto [here, there] = pipe();
  process parent(by(method), fn<&leave_a_child_of_a_child>, method, std::move(there));
  BOOST_TEST(hear<std::string>(here) == "child");
  BOOST_TEST(hear<std::string>(here) == "parent");
}

BOOST_AUTO_TEST_SUITE_END()
