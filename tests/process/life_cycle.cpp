// SPDX-License-Identifier: BSL-1.0
// The life of a process from its start to its end, by every start method.
#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/support.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

void add(connection answer, int a, int b) {
  tell(answer, a + b);
}
void tell_length(const std::string& text, connection answer) {
  tell(answer, text.size());
}
[[noreturn]] void leave(int code) {
  std::exit(code);
}
void fail_with(const std::string& text) {
  throw std::out_of_range(text);
}
void leave_before_a_child_fails(start_method method) {
  static std::optional<process> kept;
  kept.emplace(by(method), fn<&fail_with>, std::string("while its parent exits"));
  std::exit(0);
}
void raise_signal(int number) {
  ::raise(number);
}

struct identity_told {
  std::string name, parent_name;
  std::int64_t pid = 0, parent = 0, thread = 0;
  std::string authkey;
};
void tell_identity(connection line) {
  const process_info me = current_process();
  const process_handle parent = parent_process().value();
  tell(line, identity_told{me.name, parent.name(), me.pid, parent.pid(), ::gettid(), me.authkey});
  wait_for_end(std::move(line));
}

void watch_parent(connection line) {
  const process_handle parent = parent_process().value();
  tell(line, std::string(parent.is_alive() ? "alive" : "not alive"));
  parent.wait_for(patience);
  tell(line, std::string(parent.is_alive() ? "alive" : "not alive"));
}
void start_a_watcher(start_method method, connection line) {
  process child(by(method), fn<&watch_parent>, line);
  wait_for_end(std::move(line));
  child.join();
}

void grow(start_method method, connection& line, const std::vector<int>& position) {
  tell(line, position);
  for (int i = 0; i < 2 && position.size() < 2; ++i) {
    std::vector<int> next = position;
    next.push_back(i);
    process(by(method), fn<&grow>, method, line, next).join();
  }
}

void tell_open_handles(connection line) {
  tell(line, os::open_handles());
}

void close_streams() {
  std::fputs("lost", stdout);
  for (int stream = 0; stream < 3; ++stream) ::close(stream);
}
void start_without_streams(start_method method) {
  for (int stream = 0; stream < 3; ++stream) ::close(stream);
  process child(by(method), fn<&nothing>);
  child.join();
  std::exit(child.exit_code().value());
}

void print_into(start_method method, unique_handle pipe_end) {
  ::dup2(pipe_end.native(), STDERR_FILENO);
  process_options options = by(method);
  options.name = "failing";
  process(options, fn<&fail_with>, "1729").join();
}
void buffer_and_start(start_method method, unique_handle pipe_end) {
  ::dup2(pipe_end.native(), STDOUT_FILENO);
  ::dup2(pipe_end.native(), STDERR_FILENO);
  std::ios_base::sync_with_stdio(false);
  std::puts("once");
  std::cout << "cout";
  std::wcout << L"wide";
  std::clog << "clog";
  process(by(method), fn<&nothing>).join();
}

void crash() {
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
}
void crash_and_kill(start_method method, unique_handle pipe_end) {
  ::dup2(pipe_end.native(), STDERR_FILENO);
  process_options options = by(method);
  options.name = "crashing";
  process(options, fn<&crash>).join();
  process(by(method), fn<&raise_signal>, SIGKILL).join();
  process(by(method), fn<&raise_signal>, SIGTERM).join();
}
/// What the system says of a plain child that ends as the processes here do.
bool crash_dumps_core() {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGQUIT, SIG_DFL);
    ::raise(SIGQUIT);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WCOREDUMP(status);
}

void tell_name(connection line) {
  tell(line, current_process().name);
}
void start_and_tell_name(connection line) {
  process(fn<&tell_name>, std::move(line)).join();
}

struct own_error : std::runtime_error {
  using runtime_error::runtime_error;
};
void fail_in_its_own_way() {
  throw own_error("own way");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(life_cycle, no_forkserver_left)

BOOST_DATA_TEST_CASE(a_callable_runs_with_its_arguments, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&add>, there, 40, 2);
  BOOST_TEST(hear<int>(here) == 42);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

BOOST_DATA_TEST_CASE(arguments_are_converted_to_the_parameters, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&tell_length>, "seven..", std::move(there));
  BOOST_TEST(hear<std::size_t>(here) == 7U);
}

BOOST_DATA_TEST_CASE(exit_codes_and_signals_are_told_apart, every_start_method, method) {
  process good(by(method), fn<&nothing>), left(by(method), fn<&leave>, 8),
      hit(by(method), fn<&raise_signal>, SIGTERM);
  good.join();
  left.join();
  hit.join();
  BOOST_TEST(good.exit_code().value() == 0);
  BOOST_TEST(left.exit_code().value() == 8);
  BOOST_TEST(hit.exit_code().value() == -SIGTERM);
}

BOOST_DATA_TEST_CASE(an_exception_gives_exit_code_1_and_can_be_rethrown, every_start_method, method) {
  process child(by(method), fn<&fail_with>, "no such row");
  child.join();
  BOOST_TEST(child.exit_code().value() == 1);
  const auto says = [](const std::out_of_range& caught) {
    return caught.what() == std::string("no such row");
  };
  BOOST_CHECK_EXCEPTION(child.join(rethrow), std::out_of_range, says);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), std::out_of_range, says);
}

// conformance: _TestProcess.test_kill
BOOST_DATA_TEST_CASE(a_killed_process_reports_the_signal, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&wait_for_end>, std::move(there));
  BOOST_TEST(child.is_alive());
  child.kill();
  child.join();
  BOOST_TEST(child.exit_code().value() == -SIGKILL);
}

// conformance: _TestProcess.test_current
BOOST_AUTO_TEST_CASE(the_first_process_knows_itself) {
  const process_info me = current_process();
  BOOST_TEST(me.pid == ::getpid());
  BOOST_TEST(me.name == "main");
  BOOST_TEST(!me.daemon);
  BOOST_TEST(me.authkey.size() == 32U);
  BOOST_TEST(!parent_process().has_value());
}

// conformance: _TestProcess.test_cpu_count
BOOST_AUTO_TEST_CASE(usable_processors_are_one_at_least) {
  BOOST_TEST(cpu_count() >= 1U);
}

// conformance: _TestProcess.test_process, _TestProcess.test_active_children
BOOST_DATA_TEST_CASE(a_process_lives_between_its_start_and_its_end, every_start_method, method) {
  auto [here, there] = pipe();
  process child(deferred, by(method), fn<&tell_identity>, std::move(there));
  child.set_name("worker");
  BOOST_TEST(!child.is_alive());
  BOOST_TEST(!child.exit_code().has_value());
  BOOST_TEST(active_children().empty());
  child.start();
  BOOST_TEST(child.is_alive());
  BOOST_TEST(active_children().size() == 1U);
  BOOST_TEST(active_children().front().pid() == child.pid());
  BOOST_TEST(active_children().front().name() == "worker");
  BOOST_CHECK_THROW(child.start(), process_error);
  BOOST_CHECK_THROW(child.set_name("other"), process_error);

  const auto told = hear<identity_told>(here);
  BOOST_TEST(told.name == "worker");
  BOOST_TEST(told.pid == child.pid());
  const bool same_key = told.authkey == current_process().authkey;
  BOOST_TEST(same_key);
  here.close();
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
  BOOST_TEST(!child.is_alive());
  BOOST_TEST(active_children().empty());
}

// conformance: _TestProcess.test_process_mainthread_native_id, _TestProcess.test_parent_process_attributes
BOOST_DATA_TEST_CASE(a_child_knows_its_thread_and_its_parent, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&tell_identity>, std::move(there));
  const auto told = hear<identity_told>(here);
  here.close();
  BOOST_TEST(told.thread == child.pid());
  BOOST_TEST(told.parent == ::getpid());
  BOOST_TEST(told.parent_name == "main");
}

// conformance: _TestProcess.test_parent_process
BOOST_DATA_TEST_CASE(a_child_sees_its_parent_end, every_start_method, method) {
  auto [here, there] = pipe();
  process parent(by(method), fn<&start_a_watcher>, method, std::move(there));
  BOOST_TEST(hear<std::string>(here) == "alive");
  parent.terminate();
  BOOST_TEST(hear<std::string>(here) == "not alive");
}

// conformance: _TestProcess.test_recursion
BOOST_DATA_TEST_CASE(a_tree_of_processes_reports_in_order_over_one_pipe, every_start_method, method) {
  auto [here, there] = pipe();
  grow(method, there, {});
  const std::vector<std::vector<int>> expected{{}, {0}, {0, 0}, {0, 1}, {1}, {1, 0}, {1, 1}};
  for (const auto& each : expected) {
    const bool next = hear<std::vector<int>>(here) == each;
    BOOST_TEST(next);
  }
}

// conformance: _TestProcess.test_sentinel
BOOST_DATA_TEST_CASE(the_native_handle_is_ready_when_the_process_has_ended, every_start_method, method) {
  auto [here, there] = pipe();
  process child(deferred, by(method), fn<&hold>, std::move(there));
  BOOST_CHECK_THROW(child.native_handle(), process_error);
  child.start();
  const auto ready = [&](deadline until) {
    return os::wait_readable(handle_view(child.native_handle()), until);
  };
  BOOST_TEST(!ready(deadline::immediately()));
  here.close();
  BOOST_TEST(ready(deadline::after(patience)));
  child.join();
  BOOST_TEST(ready(deadline::immediately()));
}

// conformance: _TestProcess.test_close
BOOST_DATA_TEST_CASE(a_closed_process_is_of_no_use, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&hold>, std::move(there));
  BOOST_CHECK_THROW(child.close(), process_error);
  here.close();
  child.join();
  child.close();
  BOOST_CHECK_THROW(child.is_alive(), process_error);
  BOOST_CHECK_THROW(child.join(), process_error);
  BOOST_CHECK_THROW(child.terminate(), process_error);
  child.close();
}

BOOST_DATA_TEST_CASE(join_gives_up_in_time, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), fn<&hold>, std::move(there));
  BOOST_TEST(!child.join_for(std::chrono::milliseconds(20)));
  BOOST_TEST(!child.join_for(std::chrono::seconds(-1)));
  here.close();
  BOOST_TEST(child.join_for(patience));
}

// conformance: _TestProcess.test_many_processes
BOOST_DATA_TEST_CASE(many_processes_end_by_themselves_or_by_a_signal, every_start_method, method) {
  constexpr int count = 20;
  auto [here, there] = pipe();
  std::vector<process> quick, slow;
  for (int i = 0; i < count; ++i) quick.emplace_back(by(method), fn<&nothing>);
  for (int i = 0; i < count; ++i) slow.emplace_back(by(method), fn<&hold>, there);
  for (const process& each : slow) each.terminate();
  for (const process& each : quick) {
    each.join();
    BOOST_TEST(each.exit_code().value() == 0);
  }
  for (const process& each : slow) {
    each.join();
    BOOST_TEST(each.exit_code().value() == -SIGTERM);
  }
}

// conformance: _TestProcess.test_child_fd_inflation
BOOST_DATA_TEST_CASE(all_siblings_have_the_same_few_descriptors, every_start_method, method) {
  auto [here, there] = pipe();
  std::vector<process> children;
  for (int i = 0; i < 5; ++i) {
    children.emplace_back(by(method), fn<&tell_open_handles>, there);
    // The three standard streams, the channel to the parent, the handle of the parent, and the argument.
    BOOST_TEST(hear<std::size_t>(here) == 6U);
  }
}

// conformance: _TestProcess.test_error_on_stdio_flush_1
BOOST_DATA_TEST_CASE(a_child_of_a_parent_without_streams_ends_well, every_start_method, method) {
  process parent(by(method), fn<&start_without_streams>, method);
  parent.join();
  BOOST_TEST(parent.exit_code().value() == 0);
}

// conformance: _TestProcess.test_error_on_stdio_flush_2
BOOST_DATA_TEST_CASE(a_child_that_breaks_its_streams_ends_well, every_start_method, method) {
  process child(by(method), fn<&close_streams>);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

// What it threw is received when the thread's own objects are gone already.
BOOST_DATA_TEST_CASE(a_child_that_fails_while_its_parent_exits_is_waited_for, every_start_method, method) {
  process parent(by(method), fn<&leave_before_a_child_fails>, method);
  parent.join();
  BOOST_TEST(parent.exit_code().value() == 0);
}

// conformance: _TestSubclassingProcess.test_sys_exit
BOOST_DATA_TEST_CASE(an_exit_code_is_taken_modulo_256, every_start_method, method) {
  for (const auto& [given, expected] : {std::pair(0, 0), {1, 1}, {8, 8}, {255, 255}, {256, 0}, {-1, 255}}) {
    process child(by(method), fn<&leave>, given);
    child.join();
    BOOST_TEST(child.exit_code().value() == expected);
  }
}

// conformance: _TestSubclassingProcess.test_stderr_flush
BOOST_DATA_TEST_CASE(the_text_of_an_exception_is_printed_in_full, every_start_method, method) {
  auto [reader, writer] = os::plain_pipe();
  process parent(by(method), fn<&print_into>, method, std::move(writer));
  parent.join();
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::read(reader.native(), text.data(), text.size())));
  BOOST_TEST(text.find("failing (process ") == 0U);
  BOOST_TEST(text.find(") ended by an exception of type std::out_of_range: 1729\n") != std::string::npos);
}

// What is in the parent's buffers is printed once, whoever is started.
BOOST_DATA_TEST_CASE(buffered_output_is_not_repeated_by_children, every_start_method, method) {
  auto [reader, writer] = os::plain_pipe();
  process parent(by(method), fn<&buffer_and_start>, method, std::move(writer));
  parent.join();
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::read(reader.native(), text.data(), text.size())));
  for (const std::string_view printed : {"once\n", "cout", "wide", "clog"}) {
    const std::size_t at = text.find(printed);
    BOOST_REQUIRE(at != std::string::npos);
    text.erase(at, printed.size());
  }
  BOOST_TEST(text == std::string());  // else it was printed twice
}

BOOST_AUTO_TEST_CASE(names_tell_where_a_process_stands) {
  auto [here, there] = pipe();
  process child(fn<&start_and_tell_name>, std::move(there));
  BOOST_TEST(hear<std::string>(here) == child.name() + ":1");
  BOOST_TEST(child.name().find("process-") == 0U);
}

BOOST_AUTO_TEST_CASE(a_closure_runs_in_a_copy_of_memory) {
  int count = 41;
  auto [here, there] = pipe();
  process child = process::fork([&, &end = there] { tell(end, ++count); });
  BOOST_TEST(hear<int>(here) == 42);
  BOOST_TEST(count == 41);
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
  BOOST_CHECK_THROW(process::fork([] { throw std::out_of_range("closure"); }).join(rethrow),
                    std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_process_in_a_forked_copy_belongs_to_the_parent) {
  auto [here, there] = pipe();
  process child(fn<&hold>, std::move(there));
  const process copy = process::fork([&] {
    try {
      child.kill();
    } catch (const process_error&) {
      std::exit(active_children().empty() ? 7 : 8);
    }
  });
  copy.join();
  BOOST_TEST(copy.exit_code().value() == 7);
  BOOST_TEST(child.is_alive());
  here.close();
}

BOOST_AUTO_TEST_CASE(an_exception_of_an_unknown_type_arrives_as_remote_error) {
  process child(fn<&fail_in_its_own_way>);
  BOOST_CHECK_EXCEPTION(child.join(rethrow), remote_error, [&child](const remote_error& caught) {
    return caught.text() == "own way" && caught.origin() == child.pid();
  });
}

BOOST_DATA_TEST_CASE(a_process_that_was_ended_by_a_signal_is_told_of_when_exceptions_are_asked_for,
                     every_start_method, method) {
  for (const int number : {SIGKILL, SIGTERM, SIGUSR1}) {
    process child(by(method), fn<&raise_signal>, number);
    child.join();
    for (int again = 0; again < 2; ++again) {
      BOOST_CHECK_EXCEPTION(child.join(rethrow), process_died, [&](const process_died& died) {
        return died.signal() == number && died.pid() == child.pid() && died.name() == child.name() &&
               std::string(died.what()).find("was ended by signal " + std::to_string(number)) !=
                   std::string::npos;
      });
    }
  }
  process good(by(method), fn<&nothing>), left(by(method), fn<&leave>, 8);
  good.join(rethrow);
  left.join(rethrow);  // by its own will
}

BOOST_AUTO_TEST_CASE(the_news_of_a_death_crosses_to_others) {
  const auto died = std::make_exception_ptr(process_died("worker", 12, SIGSEGV, true));
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(died)));
  } catch (const process_died& arrived) {
    BOOST_TEST((arrived.name() == "worker" && arrived.pid() == 12 && arrived.signal() == SIGSEGV &&
                arrived.core_dumped()));
  }
}

BOOST_DATA_TEST_CASE(a_crash_is_told_on_the_error_stream_and_a_kill_is_not, every_start_method, method) {
  auto [reader, writer] = os::plain_pipe();
  process parent(by(method), fn<&crash_and_kill>, method, std::move(writer));
  parent.join();
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::read(reader.native(), text.data(), text.size())));
  BOOST_TEST(text.find("process crashing (") == 0U, text);
  BOOST_TEST(text.find(") was ended by signal 11 (Segmentation fault)") != std::string::npos, text);
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1, text);
}

// Whether the machine writes any depends on it: what is told must be what the kernel says.
BOOST_DATA_TEST_CASE(a_core_is_told_of_if_there_is_one, every_start_method, method) {
  const bool here = crash_dumps_core();
  process child(by(method), fn<&raise_signal>, SIGQUIT);
  child.join();
  BOOST_TEST(child.status().core_dumped == here);
  process killed(by(method), fn<&raise_signal>, SIGKILL);
  killed.join();
  BOOST_TEST(!killed.status().core_dumped);
}

BOOST_AUTO_TEST_SUITE_END()
