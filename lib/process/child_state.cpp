// SPDX-License-Identifier: BSL-1.0
// Waiting for a child, taking its status, signalling it.
#include "process/child_state.hpp"

#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/command_line.hpp"
#include "process/forkserver.hpp"
#include "process/identity.hpp"
#include "process/server.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ferry::detail {
namespace {

/// How long a daemon gets between SIGTERM and SIGKILL.
constexpr std::chrono::seconds grace{2};

/// How long the forkserver may take to report an end that can be seen already.
constexpr std::chrono::seconds report_time{5};

/// Guarded by hold_off_forks(). Never destroyed, so that processes with static storage may outlive it.
std::vector<std::weak_ptr<child_state>>& children() {
  static auto& list = *new std::vector<std::weak_ptr<child_state>>;
  return list;
}

exit_status as_status(os::ending ending) {
  using kind = os::ending::kind;
  using state = exit_status::state;
  switch (ending.how) {
    case kind::exited:
      return {state::exited, ending.code};
    case kind::killed:
      return {state::killed, ending.code};
    case kind::dumped:
      return {state::killed, ending.code, true};
    case kind::unknown:
      break;
  }
  return {state::unknown, 0};
}

/// Prints an error for which no caller may come to ask.
void print(const error& what) {
  std::fprintf(stderr, "%s\n", what.what());
  std::fflush(stderr);
}

/// At the end of the program: it goes only when its children have, daemons being told to.
void finish_all() noexcept {
  const auto all = known_children();
  for (const auto& child : all) {
    if (child->daemon) try {
        child->signal(os::request::terminate);
      } catch (const error&) {  // finish() kills it
      }
  }
  for (const auto& child : all) finish(*child);
}

/// To be called with forks held off.
void finish_all_at_exit() {
  // Never destroyed, as the list. A forked copy runs no exit handler of its parent's, and registers its own.
  static std::optional<fork_mark> registered;
  if (registered && !registered->is_copy()) return;
  std::atexit([] { finish_all(); });
  registered.emplace();
}

}  // namespace

child_state::child_state(const process_options& options)
    : context(options.context ? *options.context : default_context()),
      name(options.name),
      named(!name.empty()),
      daemon(options.daemon.value_or(self().daemon)),
      position(next_position()),
      has_own_context_(options.context.has_value()) {
  if (name.empty()) name = name_of(context.name_prefix, position);
  if (options.output.valid()) output = duplicate(options.output);
  if (options.error_output.valid()) error_output = duplicate(options.error_output);
}

void child_state::settle_context() {
  if (!has_own_context_) context = take_default_context();
}

void child_state::adopt(std::unique_ptr<started_child> child) {
  child_ = std::move(child);
  output.reset();
  error_output.reset();
  started_ = true;
}

bool child_state::has_ended(deadline until) const {
  const handle_view report = child_->report;
  // The server's report comes a moment after the end: who waits for it first wakes up once. Or the stream's
  // end comes, when the server has died, whatever the child does.
  if (report.valid()) os::wait_readable(report, until);
  if (!os::wait_readable(child_->process.handle, until)) return false;
  return !report.valid() || os::wait_readable(report, deadline::after(report_time));
}

bool child_state::wait(deadline until) {
  while (!ended_) {
    if (!has_ended(until)) return false;
    settle();
  }
  return true;
}

void child_state::settle() {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  const handle_view process = child_->process.handle;
  const auto ending =
      child_->report.valid() ? take_report(child_->report, process, *child_->from) : os::reap(process);
  if (!ending) return;
  status_ = as_status(*ending);
  const bool exited = status_.is == exit_status::state::exited;
  if (exited &&
      (child_->was_too_late || os::was_closed_unread(handle_view(child_->channel.native_handle())))) {
    const process_error why("process " + name + " (" + std::to_string(id()) + ") exited with code " +
                            std::to_string(status_.code) + " before it took its start" + need_of_init);
    thrown_ = std::make_exception_ptr(why);
    print(why);
  } else if (!daemon && status_.is == exit_status::state::killed && os::is_crash(status_.code)) {
    // Who has a daemon looks after it, as a pool does, which tells of its workers itself.
    print(process_died(name, id(), status_.code, status_.core_dumped));
  }
  try {
    report_ = child_->channel.try_recv_message();
  } catch (...) {
    // There is no report: the child ended without one, or there is no memory for it.
  }
  child_->channel.close();
  child_->lifeline.reset();
  child_->from.reset();
  ended_ = true;
}

exit_status child_state::status() {
  if (!started_) return {};
  if (!wait(deadline::immediately())) return {exit_status::state::running, 0};
  const std::lock_guard lock(mutex_);
  return status_;
}

void child_state::signal(os::request what) {
  // The handle names the process itself, so that no other one can be hit, even when this one has been reaped.
  if (!ended_) os::signal_process(child_->process.handle, what);
}

std::exception_ptr child_state::thrown() {
  const std::lock_guard lock(mutex_);
  if (report_) {
    archive_options options;
    options.table = context.table;
    thrown_ = loads<std::exception_ptr>(std::move(*std::exchange(report_, std::nullopt)), options);
  }
  return thrown_;
}

std::vector<std::shared_ptr<child_state>> known_children() {
  const auto lock = hold_off_forks();
  auto& list = children();
  std::vector<std::shared_ptr<child_state>> found;
  for (const auto& each : list) {
    if (auto child = each.lock(); child && !child->is_copy()) found.push_back(std::move(child));
  }
  list.assign(found.begin(), found.end());
  return found;
}

void make_known(const std::shared_ptr<child_state>& child) {
  const auto lock = hold_off_forks();
  finish_all_at_exit();
  std::erase_if(children(), [](const auto& each) { return each.expired(); });
  children().push_back(child);
}

void finish(child_state& child) noexcept {
  if (!child.started() || child.is_copy()) return;
  try {
    if (child.daemon && !child.wait(deadline::immediately())) {
      child.signal(os::request::terminate);
      if (!child.wait(deadline::after(grace))) child.signal(os::request::kill);
    }
    child.wait(deadline::never());
  } catch (const error&) {
    // Nothing is left that could be done for it; its handle is closed with the object.
  }
}

}  // namespace ferry::detail
