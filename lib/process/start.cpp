// SPDX-License-Identifier: BSL-1.0
// The three start methods.
#include "process/start.hpp"

#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "channel/local_driver.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/child_main.hpp"
#include "process/child_state.hpp"
#include "process/command_line.hpp"
#include "process/forkserver.hpp"
#include "process/identity.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace ferry::detail {
namespace {

void require_init(start_method method) {
  if (initialised()) return;
  throw process_error(std::string("a process cannot be started by ") + to_string(method) +
                      ": this program would not know that it is a child. Call ferry::init(argc, argv) first "
                      "in main. (Or this "
                      "is another copy of Ferry than the one that was initialised: a library that has "
                      "libferry linked into it "
                      "in a program that has so too. Link one shared libferry)");
}

void require_single_thread(const context& how) {
  if (how.fork_with_threads || !os::other_threads_run()) return;
  throw process_error(
      "a process cannot be forked while other threads run: a lock that one of them holds would be held in "
      "the child for ever. Use start_method::spawn or forkserver, or set context::fork_with_threads");
}

start_request describe(const child_state& child) {
  start_request request;
  request.name = child.name;
  request.daemon = child.daemon;
  request.position = child.position;
  request.authkey = family_key();
  request.context = child.context;
  request.named = child.named;
  if (child.output.valid()) request.output = duplicate(child.output);
  if (child.error_output.valid()) request.error_output = duplicate(child.error_output);
  request.parent_name = self().name;
  request.parent_id = os::own_id();
  request.parent = os::open_own_process();
  return request;
}

void name_callable(start_request& request, const callable& target, bool for_this_program) {
  request.callable = target.name();
  request.callable_members = target.members();
  if (for_this_program) {
    request.callable_distance = target.distance();
  } else if (!target.has_unique_name()) {
    throw_ambiguous(target.name());
  }
}

message write_start(const child_state& child, const call* what) {
  const spawning_scope guarded_objects_may_cross;
  start_request request = describe(child);
  if (what != nullptr) name_callable(request, what->target(), child.context.program.empty());
  forking_oarchive archive("ferry.start", options_of_archives(child.context));
  archive << request;
  if (what != nullptr) what->write(archive);
  return archive.finish();
}

/// What a child is started over and dies with: its ends.
struct leads {
  unique_handle channel, lifeline;
};

/// Makes both ends; the parent's are in `made`.
leads connect(const child_state& child, started_child& made) {
  const context& how = child.context;
  // A fork in between would have ends that no code closes there.
  const auto lock = hold_off_forks();
  os::handle_pair channel = os::packet_socket_pair();
  made.channel = connection(channel::make_local_driver(std::move(channel.first)), access::read_write,
                            options_of_archives(how));
  if (!child.daemon) return {std::move(channel.second), {}};
  auto [reader, writer] = os::plain_pipe();
  made.lifeline = std::move(writer);
  return {std::move(channel.second), std::move(reader)};
}

/// Gives the child its work; until then it has done nothing. A child that died on the way has an exit code
/// that tells.
/// @returns whether there was a child to give it to
bool send_start(connection& channel, message start) {
  try {
    channel.send_message(std::move(start));
    return true;
  } catch (const end_of_stream&) {
    return false;
  }
}

/// Ends a child that must not be left behind when its start fails after all.
class start_guard {
 public:
  explicit start_guard(started_child& child) : child_(&child) {}
  ~start_guard() {
    if (child_ == nullptr) return;
    try {
      os::signal_process(child_->process.handle, os::request::kill);
      os::wait_readable(child_->process.handle, deadline::never());
      os::reap(child_->process.handle);
    } catch (const error&) {  // it was not ours to reap, then
    }
  }
  start_guard(const start_guard&) = delete;
  start_guard& operator=(const start_guard&) = delete;
  void dismiss() noexcept { child_ = nullptr; }

 private:
  started_child* child_;
};

os::started_process spawn(const child_state& child, const leads& ends) {
  const context& how = child.context;
  os::program what{how.program, {std::string(child_argument)}};
  if (!how.program.empty()) what.arguments.emplace_back(announce_argument);
  std::array<handle_view, os::most_passed_handles> passed{ends.channel, ends.lifeline};
  if (child.daemon) what.arguments.emplace_back(daemon_argument);
  return os::start_program(what, std::span(passed).first(child.daemon ? 2 : 1));
}

/// Another program may not know how to be a child: one that does announces itself at once.
void await_announcement(connection& channel, const context& how) {
  try {
    if (channel.recv_bytes_for(how.start_timeout)) return;
  } catch (const end_of_stream&) {
    throw process_error("program " + how.program + " ended before it took its start" + need_of_init);
  }
  throw process_error("program " + how.program + " did not take its start within " +
                      std::to_string(how.start_timeout.count()) + " ms" + need_of_init);
}

/// Forks; the child does not return from here.
os::started_process fork_child(leads& ends, closure* work) {
  os::started_process process = os::fork_process();
  if (process.id != 0) return process;
  drop_parents_identity();
  os::unblock_signals();
  os::drop_standard_input();
  if (work != nullptr) {
    live_as_child(std::move(ends.channel), std::move(ends.lifeline), work);
  }
  std::array<handle_view, 2> kept{ends.channel, ends.lifeline};
  os::close_all_but(kept);
  live_as_child(std::move(ends.channel), std::move(ends.lifeline));
}

void start_directly(const child_state& child, start_method method, closure* work, started_child& made) {
  leads ends = connect(child, made);
  made.process = method == start_method::spawn ? spawn(child, ends) : fork_child(ends, work);
}

/// How long a child that is not to begin may take to end.
constexpr std::chrono::seconds leaving_time{5};

/// @param start  as of `fork_by_server`
void start_by_server(const child_state& child, message& start, started_child& made) {
  const context& how = child.context;
  const deadline until = deadline::after(how.start_timeout);
  for (int attempts = 3; attempts > 0; --attempts) {
    leads ends = connect(child, made);
    auto forked = fork_by_server(how, ends.channel, ends.lifeline, start, until);
    if (!forked) continue;
    if (forked->up_to_date) {
      made.process = std::move(forked->process);
      made.report = std::move(forked->report);
      made.from = std::move(forked->from);
      return;
    }
    // Its server, which reaps it, goes after it.
    ends = {};
    made.channel.close();
    os::wait_readable(forked->report, deadline::after(leaving_time));
  }
  const std::string program = how.program.empty() ? "the forkserver" : "program " + how.program;
  throw process_error(program + " ends as soon as it is asked for a process" + need_of_init);
}

std::unique_ptr<started_child> start(const child_state& child, start_method method, const call* what,
                                     closure* work) {
  const context& how = child.context;
  if (method != start_method::fork && how.program.empty()) require_init(method);
  if (work == nullptr) require_startable(how);
  if (method == start_method::fork) require_single_thread(how);
  message start = write_start(child, what);
  auto made = std::make_unique<started_child>();
  if (method == start_method::forkserver) {
    start_by_server(child, start, *made);
  } else {
    start_directly(child, method, work, *made);
  }
  start_guard guard(*made);
  made->was_too_late = !send_start(made->channel, std::move(start));
  if (!how.program.empty() && method == start_method::spawn) await_announcement(made->channel, how);
  guard.dismiss();
  return made;
}

}  // namespace

std::unique_ptr<started_child> start(const child_state& child, const call& what) {
  return start(child, child.context.method, &what, nullptr);
}

std::unique_ptr<started_child> start(const child_state& child, closure& what) {
  return start(child, start_method::fork, nullptr, &what);
}

}  // namespace ferry::detail
