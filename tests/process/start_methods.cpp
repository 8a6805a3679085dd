// Start methods: choosing one, other programs, programs that forgot init, forks with threads.
#include <ferry/error.hpp>

#include "process/support.hpp"
#include "programs/answering.hpp"
#include "support/exceptions.hpp"
#include "support/killing.hpp"
#include "support/sanitizer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <pthread.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

/// Of this name there is no other one.
void known_here_only() {}
void tell_method(connection line) {
  tell(line, get_start_method());
}

/// What `ps` shows without arguments.
std::string system_name() {
  std::string name;
  std::getline(std::ifstream("/proc/self/comm"), name);
  return name;
}
void tell_system_name(connection line) {
  tell(line, system_name());
}

int greet(int number) {
  std::puts("hello");
  std::fflush(stdout);
  std::fputs("hello\n", stderr);
  return number;
}
void greet_and_exit(connection line, int code) {
  line.send(greet(code));
  std::exit(greet(code));
}

/// Sets the default back at the end of a test case.
struct default_restored : no_forkserver_left {
  context before = default_context();
  ~default_restored() { set_default_context(before); }
};

process_options other_program(const char* name, std::chrono::milliseconds timeout = patience) {
  process_options options = by(start_method::spawn);
  options.context->program = name[0] == '/' ? name : std::string(FERRY_TEST_PROGRAMS "/program_") + name;
  options.context->start_timeout = timeout;
  return options;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  for (int c; (c = std::fgetc(output.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

/// A thread that waits until it is let go.
class idle_thread {
 public:
  ~idle_thread() {
    leave_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> leave_;
  std::thread thread_{[until = leave_.get_future()] { until.wait(); }};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(start_methods, default_restored)

BOOST_AUTO_TEST_CASE(a_program_that_does_not_call_init_is_told_so_and_starts_nothing) {
  const std::string text = output_of(FERRY_TEST_PROGRAMS "/program_without_init 2>&1");
  BOOST_TEST(
      text ==
      "a process cannot be started by spawn: this program would not know that it is a child. Call "
      "ferry::init(argc, argv) first in main\n"
      "a process cannot be started by forkserver: this program would not know that it is a child. Call "
      "ferry::init(argc, argv) first in main\n");
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_is_an_error) {
  BOOST_CHECK_EXCEPTION(process(other_program("/nowhere/program"), fn<&known_here_only>), system_error,
                        says("/nowhere/program"));
}

BOOST_AUTO_TEST_CASE(another_program_that_ends_without_init_is_an_error) {
  BOOST_CHECK_EXCEPTION(process(other_program("/bin/true"), fn<&known_here_only>), process_error,
                        says("has to call ferry::init"));
}

BOOST_AUTO_TEST_CASE(another_program_that_does_not_answer_is_ended_after_a_time) {
  BOOST_CHECK_EXCEPTION(process(other_program("deaf", 50ms), fn<&known_here_only>), process_error,
                        says("did not take its start within 50 ms"));
}

BOOST_AUTO_TEST_CASE(another_program_without_the_callable_ends_with_the_reason) {
  process child(other_program("answering"), fn<&known_here_only>);
  child.join();
  BOOST_TEST(child.exit_code().value() == 1);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), error, says("knows no callable"));
}

BOOST_AUTO_TEST_CASE(another_program_runs_the_callable_that_both_mention) {
  auto [here, there] = pipe();
  process child(other_program("answering"), fn<&answer>, std::move(there), 41);
  BOOST_TEST(hear<int>(here) == 42);
}

BOOST_AUTO_TEST_CASE(only_spawn_starts_another_program) {
  process_options options = other_program("answering");
  options.context->method = start_method::forkserver;
  BOOST_CHECK_THROW(process(options, fn<&known_here_only>), process_error);
}

// known failure 18: fork beside threads inherits their locks
BOOST_AUTO_TEST_CASE(fork_is_refused_while_other_threads_run) {
  const idle_thread other;
  const auto names_the_cure = says("start_method::spawn or forkserver");
  BOOST_CHECK_EXCEPTION(process(by(start_method::fork), fn<&nothing>), process_error, names_the_cure);
  BOOST_CHECK_EXCEPTION(process::fork([] {}), process_error, names_the_cure);
}

BOOST_AUTO_TEST_CASE(fork_beside_threads_can_be_allowed) {
  if (with_address_sanitizer) return;  // see methods_beside_threads()
  const idle_thread other;
  process_options options = by(start_method::fork);
  options.context->fork_with_threads = true;
  process child(options, fn<&nothing>);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

// It holds the lock of the stream meanwhile.
BOOST_AUTO_TEST_CASE(a_process_is_forked_while_another_thread_waits_for_input) {
  if (with_address_sanitizer) return;  // see methods_beside_threads()
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  unique_handle writer(ends[1]);
  const std::unique_ptr<FILE, int (*)(FILE*)> input(::fdopen(ends[0], "r"), std::fclose);
  sleeper reader([&] { std::fgetc(input.get()); });
  process_options options = by(start_method::fork);
  options.context->fork_with_threads = true;
  process child(options, fn<&nothing>);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
  writer.reset();
  reader.wake_up();
}

// As another thread may print, after what has been printed was flushed for the fork.
BOOST_AUTO_TEST_CASE(what_is_printed_just_before_a_fork_is_not_written_by_the_child_too) {
  std::fflush(stdout);
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const unique_handle reader(ends[0]);
  unique_handle writer(ends[1]);
  forked_child program([&] {
    ::dup2(ends[1], STDOUT_FILENO);
    ::pthread_atfork([] { std::fputs("once", stdout); }, nullptr, nullptr);
    process child(by(start_method::fork), fn<&nothing>);
    child.join();
    std::fflush(stdout);
    return child.exit_code().value();
  });
  writer.reset();
  std::string printed(100, ' ');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0; size += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
    got = ::read(ends[0], printed.data() + size, printed.size() - size);
  BOOST_TEST(program.wait() == 0);
  BOOST_TEST(printed.substr(0, size) == "once");
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_been_joined_does_not_prevent_a_fork) {
  for (int i = 0; i < 20; ++i) {
    std::thread([] {}).join();
    process child(by(start_method::fork), fn<&nothing>);
  }
}

// conformance: TestStartMethod.test_get_all_start_methods
BOOST_AUTO_TEST_CASE(spawn_comes_first) {
  BOOST_TEST(all_start_methods().size() == 3U);
  BOOST_TEST(all_start_methods().front() == start_method::spawn);
  BOOST_TEST(default_context().method == start_method::spawn);
}

// conformance: TestStartMethod.test_set_get
BOOST_AUTO_TEST_CASE(the_start_method_is_set_once_unless_forced_and_children_have_it) {
  for (const start_method method : all_start_methods()) {
    set_start_method(method, true);
    BOOST_CHECK_THROW(set_start_method(start_method::spawn), process_error);
    BOOST_TEST(get_start_method() == method);
    auto [here, there] = pipe();
    process child(fn<&tell_method>, std::move(there));
    BOOST_TEST((hear<start_method>(here) == method));
  }
}

// conformance: TestStartMethod.test_context
BOOST_DATA_TEST_CASE(a_process_with_a_context_of_its_own_hands_its_method_on, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&tell_method>, std::move(there));
  BOOST_TEST((hear<start_method>(here) == method));
  BOOST_TEST(get_start_method() == before.method);
}

// What is printed must not get into what Ferry has open.
BOOST_DATA_TEST_CASE(programs_may_have_closed_their_standard_streams, every_start_method, method) {
  const int code = fork_child([method] {
    for (int stream = 0; stream < 3; ++stream) ::close(stream);
    auto [here, there] = pipe();
    process child(by(method), fn<&greet_and_exit>, std::move(there), 7);
    greet(0);
    const bool heard = hear<int>(here) == 7;
    child.join();
    stop_forkserver();
    return heard && child.exit_code() == 7 ? 0 : 1;
  });
  BOOST_TEST(code == 0);
}

BOOST_DATA_TEST_CASE(the_system_calls_a_child_by_the_name_of_its_program, every_start_method, method) {
  auto [here, there] = pipe();
  const process child(by(method), fn<&tell_system_name>, std::move(there));
  BOOST_TEST(hear<std::string>(here) == system_name());
}

BOOST_AUTO_TEST_SUITE_END()
