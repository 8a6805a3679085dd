// SPDX-License-Identifier: BSL-1.0
// Start methods: choosing one, other programs, programs that forgot init, forks with threads.
#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>
#include <ferry/pool.hpp>

#include "os/socket.hpp"
#include "process/identity.hpp"
#include "process/support.hpp"
#include "programs/answering.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/killing.hpp"
#include "support/sanitizer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
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

void start_teller_of_system_name(start_method method, connection line) {
  process(by(method), fn<&tell_system_name>, std::move(line)).join();
}

void set_method_twice(connection line) {
  tell(line, get_start_method());
  set_start_method(start_method::spawn);
  try {
    set_start_method(start_method::forkserver);
    tell(line, false);
  } catch (const process_error&) {
    tell(line, get_start_method() == start_method::spawn);
  }
}

struct context_told {
  start_method method;
  transfer mode;
  bool has_no_table;
  std::size_t bytes, depth, objects, handles;
  std::string name_prefix, program;
  bool fork_with_threads;
  std::int64_t start_timeout;
};
void tell_context(connection line) {
  const context how = default_context();
  tell(line, context_told{how.method, how.mode, how.table == nullptr, how.limit.bytes, how.limit.depth,
                          how.limit.objects, how.limit.handles, how.name_prefix, how.program,
                          how.fork_with_threads, how.start_timeout.count()});
}

/// As a program that has not chosen its start method: a child that has just begun.
void become_as_new() {
  detail::start_request request;
  request.name = "as new";
  detail::become(request);
}

void complain() {
  throw std::runtime_error("a complaint");
}

/// The loader that the headers of this program name.
std::string loader_of_this_program() {
  std::string name;
  ::dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* into) {
        for (int i = 0; i < program->dlpi_phnum; ++i) {
          const auto& header = program->dlpi_phdr[i];
          if (header.p_type == PT_INTERP)
            *static_cast<std::string*>(into) =
                reinterpret_cast<const char*>(program->dlpi_addr + header.p_vaddr);
        }
        return 1;
      },
      &name);
  return name;
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

/// The start methods that can start another program.
const auto starting_programs = boost::unit_test::data::make({start_method::spawn, start_method::forkserver});

process_options other_program(start_method method, const char* name,
                              std::chrono::milliseconds timeout = patience) {
  process_options options = by(method);
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
      "ferry::init(argc, argv) first in main. (Or this is another copy of Ferry than the one that was "
      "initialised: a library that has libferry linked into it in a program that has so too. Link one shared "
      "libferry)\n"
      "a process cannot be started by forkserver: this program would not know that it is a child. Call "
      "ferry::init(argc, argv) first in main. (Or this is another copy of Ferry than the one that was "
      "initialised: a library that has libferry linked into it in a program that has so too. Link one shared "
      "libferry)\n");
}

BOOST_AUTO_TEST_CASE(a_program_whose_test_framework_looks_at_the_arguments_first_is_told_so) {
  const std::string text = output_of(FERRY_TEST_PROGRAMS "/program_late_init 2>&1");
  BOOST_TEST(
      text.find("exited with code 200 before it took its start: ferry::init(argc, argv) has to be called "
                "in its main, before anything else looks at the arguments") != std::string::npos,
      text);
  BOOST_TEST(text.find("caught by join: process ") != std::string::npos, text);
  BOOST_TEST(text.find("caught from the pool: process ") != std::string::npos, text);
  BOOST_TEST(
      text.find("caught from the forkserver: the forkserver ends as soon as it is asked for a process: "
                "ferry::init") != std::string::npos,
      text);
}

BOOST_AUTO_TEST_CASE(an_argument_for_children_that_is_given_by_hand_is_refused) {
  for (const std::string argument : {"--ferry-child", "--ferry-forkserver"}) {
    const std::string text =
        output_of(FERRY_TEST_PROGRAMS "/program_starting " + argument + " 2>&1; echo $?");
    BOOST_TEST(text == argument + " is for processes that Ferry starts; it cannot be given by hand\n1\n");
  }
}

BOOST_AUTO_TEST_CASE(a_program_that_was_started_by_naming_the_loader_starts_itself_so_again) {
  const std::string loader = loader_of_this_program();
  if (loader.empty()) {
    BOOST_TEST_MESSAGE("cannot be tested here: this program has no loader");
    return;
  }
  const std::string text =
      output_of("cd " FERRY_TEST_PROGRAMS "; " + loader + " --library-path /nowhere ./program_starting 2>&1");
  BOOST_TEST(text == "spawn 7\nfork 7\nforkserver 7\n");
}

BOOST_AUTO_TEST_CASE(an_environment_that_is_too_large_is_named_with_its_limits) {
  const int code = fork_child([] {
    ::setenv("FERRY_TEST_LARGE", std::string(200'000, 'x').c_str(), 1);
    for (const start_method method : {start_method::spawn, start_method::forkserver}) {
      try {
        process(by(method), fn<&nothing>).join();
        return 1;
      } catch (const system_error& refused) {
        if (!has_code(std::errc::argument_list_too_long)(refused) ||
            !says("FERRY_TEST_LARGE, has 200018 bytes of 131072")(refused) || !says("ulimit -s")(refused))
          return 2;
      }
    }
    return 0;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(an_error_for_lack_of_proc_names_it_and_the_way_round) {
  if (with_address_sanitizer) {
    BOOST_TEST_MESSAGE("not tested with AddressSanitizer, which needs /proc itself");
    return;
  }
  constexpr int cannot_mount = 77;
  const int code = fork_child([] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0)
      return cannot_mount;
    for (const start_method method : {start_method::spawn, start_method::forkserver}) {
      try {
        process(by(method), fn<&nothing>).join();
        return 1;
      } catch (const system_error& refused) {
        const bool names_it =
            method == start_method::spawn
                ? says("/proc/self/exe is needed")(refused) && says("context::program")(refused)
                : says("/proc/thread-self")(refused) && says("needs /proc")(refused);
        if (!names_it) return 2;
      }
    }
    process child(by(start_method::fork), fn<&nothing>);
    child.join();
    return child.exit_code() == 0 ? 0 : 3;
  });
  if (code == cannot_mount)
    BOOST_TEST_MESSAGE("cannot be tested here: no right to mount");
  else
    BOOST_TEST(code == 0);
}

BOOST_DATA_TEST_CASE(a_program_that_is_not_there_is_an_error, starting_programs, method) {
  BOOST_CHECK_EXCEPTION(process(other_program(method, "/nowhere/program"), fn<&known_here_only>),
                        system_error, says("/nowhere/program"));
}

BOOST_DATA_TEST_CASE(another_program_that_ends_without_init_is_an_error, starting_programs, method) {
  BOOST_CHECK_EXCEPTION(process(other_program(method, "/bin/true"), fn<&known_here_only>), process_error,
                        says("ferry::init(argc, argv) has to be called in its main"));
}

BOOST_DATA_TEST_CASE(another_program_that_does_not_answer_is_ended_after_a_time, starting_programs, method) {
  BOOST_CHECK_EXCEPTION(process(other_program(method, "deaf", 50ms), fn<&known_here_only>), process_error,
                        says("did not take its start within 50 ms"));
  BOOST_TEST(active_children().empty());
}

BOOST_DATA_TEST_CASE(another_program_without_the_callable_ends_with_the_reason, starting_programs, method) {
  process child(other_program(method, "answering"), fn<&known_here_only>);
  child.join();
  BOOST_TEST(child.exit_code().value() == 1);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), error, says("knows no callable"));
}

BOOST_DATA_TEST_CASE(another_program_runs_the_callable_that_both_mention, starting_programs, method) {
  auto [here, there] = pipe();
  for (int i = 0; i < 2; ++i) {
    process child(other_program(method, "answering"), fn<&answer>, there, 41);
    BOOST_TEST(hear<int>(here) == 42);
  }
}

// Each program has a forkserver of its own.
BOOST_AUTO_TEST_CASE(this_program_and_another_one_are_started_in_turn) {
  auto [here, there] = pipe();
  for (int i = 0; i < 3; ++i) {
    process other(other_program(start_method::forkserver, "answering"), fn<&answer>, there, i);
    BOOST_TEST(hear<int>(here) == i + 1);
    process own(by(start_method::forkserver), fn<&tell_method>, there);
    BOOST_TEST((hear<start_method>(here) == start_method::forkserver));
  }
}

// Its path may be relative to a folder that is left.
BOOST_DATA_TEST_CASE(another_program_is_looked_for_from_the_folder_that_is_current, starting_programs,
                     method) {
  const int code = fork_child([method] {
    process_options options = other_program(method, "answering");
    options.context->program = "./program_answering";
    auto [here, there] = pipe();
    if (::chdir(FERRY_TEST_PROGRAMS) != 0) return 1;
    process(options, fn<&answer>, there, 41).join();
    if (hear<int>(here) != 42 || ::chdir("/") != 0) return 2;
    try {
      process(options, fn<&answer>, there, 41).join();
    } catch (const system_error& refused) {
      return has_code(std::errc::no_such_file_or_directory)(refused) ? 0 : 3;
    }
    return 4;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(no_other_program_is_started_by_fork) {
  const process_options options = other_program(start_method::fork, "answering");
  const auto names_both = says("start_method::fork copies this program and cannot start another one");
  BOOST_CHECK_EXCEPTION(process(options, fn<&known_here_only>), process_error, names_both);
  BOOST_CHECK_EXCEPTION(set_default_context(*options.context), process_error, names_both);
  BOOST_TEST(default_context().program == before.program);
  set_default_context(*other_program(start_method::forkserver, "answering").context);
  BOOST_CHECK_EXCEPTION(set_start_method(start_method::fork, true), process_error, names_both);
  BOOST_TEST((get_start_method() == start_method::forkserver));
}

// known failure 18: fork beside threads inherits their locks
BOOST_AUTO_TEST_CASE(fork_is_refused_while_other_threads_run) {
  const idle_thread other;
  const auto names_the_cure = says("start_method::spawn or forkserver");
  BOOST_CHECK_EXCEPTION(process(by(start_method::fork), fn<&nothing>), process_error, names_the_cure);
  BOOST_CHECK_EXCEPTION(process::fork([] {}), process_error, names_the_cure);
}

// Who falls back on another method loses no time.
BOOST_AUTO_TEST_CASE(a_refusal_beside_a_thread_that_runs_comes_at_once) {
  const idle_thread other;
  static int waits;
  waits = 0;
  const scoped_system_call counting(&os::system_calls::poll, [](pollfd* handles, nfds_t count, int time) {
    waits += count == 0;
    return ::poll(handles, count, time);
  });
  BOOST_CHECK_THROW(process(by(start_method::fork), fn<&nothing>), process_error);
  BOOST_TEST(waits == 0);
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
BOOST_AUTO_TEST_CASE(text_printed_just_before_a_fork_is_not_written_by_the_child_too) {
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

// A library that starts processes in its own way leaves the choice to the program.
BOOST_AUTO_TEST_CASE(the_start_method_is_settled_by_what_takes_the_default_alone) {
  const int code = fork_child([] {
    become_as_new();
    const auto settles = [](const auto& use) {
      become_as_new();
      use();
      try {
        set_start_method(start_method::forkserver);
        return get_start_method() != start_method::forkserver;
      } catch (const process_error&) {
        return true;
      }
    };
    const auto own = by(start_method::spawn);
    if (settles([] {})) return 1;
    if (settles([] { get_start_method(); })) return 2;
    if (settles([] { default_context(); })) return 3;
    if (settles([&] { process(own, fn<&nothing>).join(); })) return 4;
    if (settles([&] { process(deferred, own, fn<&nothing>).start(); })) return 5;
    if (settles([] { process(deferred, fn<&nothing>); })) return 6;  // not before it is started
    if (settles([] { process::fork([] {}).join(); })) return 7;
    if (settles([&] { pool(1, {.context = own.context}).apply(fn<&nothing>); })) return 8;
    if (!settles([] { process(fn<&nothing>).join(); })) return 9;
    if (!settles([] { process(deferred, fn<&nothing>).start(); })) return 10;
    if (!settles([] { pool(1).apply(fn<&nothing>); })) return 11;
    if (!settles([] { set_default_context({}); })) return 12;
    return 0;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(a_deferred_process_is_started_by_the_method_that_is_the_default_then) {
  auto [here, there] = pipe();
  process child(deferred, fn<&tell_method>, std::move(there));
  set_start_method(start_method::forkserver, true);
  child.start();
  BOOST_TEST((hear<start_method>(here) == start_method::forkserver));
}

// It is a program of its own, which may know better.
BOOST_DATA_TEST_CASE(a_child_may_set_the_start_method_once_too, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&set_method_twice>, std::move(there));
  BOOST_TEST((hear<start_method>(here) == method));
  BOOST_TEST(hear<bool>(here));
}

BOOST_DATA_TEST_CASE(a_child_has_the_whole_context_by_which_it_was_started, every_start_method, method) {
  process_options options = by(method);
  context& how = *options.context;
  how.mode = transfer::duplicate;
  how.limit = {.bytes = 1'000'000, .depth = 99, .objects = 98'765, .handles = 97};
  how.name_prefix = "prefix";
  how.fork_with_threads = true;
  how.start_timeout = 12'345ms;
  dispatch_table table;
  how.table = &table;
  auto [here, there] = pipe();
  const process child(options, fn<&tell_context>, there);
  const auto told = hear<context_told>(here);
  BOOST_TEST((told.method == method && told.mode == how.mode && told.fork_with_threads));
  BOOST_TEST((told.bytes == how.limit.bytes && told.depth == how.limit.depth &&
              told.objects == how.limit.objects && told.handles == how.limit.handles));
  BOOST_TEST(told.name_prefix == how.name_prefix);
  BOOST_TEST(told.start_timeout == 12'345);
  BOOST_TEST((told.program.empty() && told.has_no_table));
  set_default_context(how);
  const process another(fn<&tell_context>, std::move(there));
  BOOST_TEST(hear<context_told>(here).start_timeout == 12'345);
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

BOOST_DATA_TEST_CASE(the_system_calls_a_child_by_the_name_that_it_was_given, every_start_method, method) {
  auto [here, there] = pipe();
  process_options options = by(method);
  options.name = "a name of 21 letters.";
  const process child(options, fn<&tell_system_name>, there);
  BOOST_TEST(hear<std::string>(here) == options.name.substr(0, 15));
  // A name is not passed on.
  const process parent(options, fn<&start_teller_of_system_name>, method, there);
  BOOST_TEST(hear<std::string>(here) == system_name());
  process named_later(deferred, by(method), fn<&tell_system_name>, std::move(there));
  named_later.set_name("later");
  named_later.start();
  BOOST_TEST(hear<std::string>(here) == "later");
}

BOOST_DATA_TEST_CASE(the_output_of_a_child_goes_where_it_is_told, every_start_method, method) {
  auto [reader, writer] = os::plain_pipe();
  auto [error_reader, error_writer] = os::plain_pipe();
  process_options options = by(method);
  options.output = writer;
  options.error_output = error_writer;
  process child(deferred, options, fn<&greet>, 0);
  writer.reset();  // the process has its own
  error_writer.reset();
  child.start();
  child.join();
  BOOST_TEST(read_all(reader) == "hello\n");
  BOOST_TEST(read_all(error_reader) == "hello\n");
}

BOOST_DATA_TEST_CASE(one_stream_of_a_child_can_be_redirected_alone, every_start_method, method) {
  auto [reader, writer] = os::plain_pipe();
  process_options options = by(method);
  options.error_output = writer;
  process child(options, fn<&complain>);
  writer.reset();
  child.join();
  BOOST_TEST(read_all(reader).find("a complaint") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(output_cannot_go_to_what_is_not_open) {
  constexpr int not_open = 12'345;
  process_options options;
  options.output = handle_view(not_open);
  BOOST_CHECK_THROW(process(options, fn<&nothing>), system_error);
}

BOOST_DATA_TEST_CASE(the_system_calls_a_child_by_the_name_of_its_program, every_start_method, method) {
  auto [here, there] = pipe();
  const process child(by(method), fn<&tell_system_name>, std::move(there));
  BOOST_TEST(hear<std::string>(here) == system_name());
}

BOOST_AUTO_TEST_SUITE_END()
