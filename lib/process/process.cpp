// SPDX-License-Identifier: BSL-1.0
// The class process: life cycle.
#include <ferry/error.hpp>
#include <ferry/process.hpp>

#include "process/child_state.hpp"
#include "process/identity.hpp"
#include "process/server.hpp"

#include <utility>

namespace ferry {
namespace {

detail::child_state& started(detail::child_state& child) {
  if (!child.started()) {
    throw process_error("process " + child.name + " has not been started: call start() first");
  }
  return child;
}

}  // namespace

process::process() noexcept = default;
process::process(const process_options& options) : state_(std::make_shared<detail::child_state>(options)) {}
process::process(process&& other) noexcept = default;

process& process::operator=(process&& other) noexcept {
  if (this != &other) {
    finish();
    state_ = std::move(other.state_);
  }
  return *this;
}

process::~process() {
  finish();
}

void process::finish() noexcept {
  if (state_) detail::finish(*std::exchange(state_, nullptr));
}

detail::child_state& process::state() const {
  if (!state_) throw process_error("this object holds no process: it is closed, moved from or empty");
  if (state_->is_copy()) {
    throw process_error("process " + state_->name +
                        " belongs to the process that started it, not to a fork of that");
  }
  return *state_;
}

detail::child_state& process::unstarted_state() const {
  detail::child_state& child = state();
  if (child.started()) throw process_error("process " + child.name + " has been started already");
  return child;
}

void process::keep_call(std::unique_ptr<const detail::call> what) {
  state().kept = std::move(what);
}

void process::start_call(const detail::call& what) {
  detail::child_state& child = unstarted_state();
  child.settle_context();
  child.adopt(detail::start(child, what));
  detail::make_known(state_);
}

void process::start_closure(detail::closure& what) {
  detail::child_state& child = unstarted_state();
  child.adopt(detail::start(child, what));
  detail::make_known(state_);
}

void process::start() {
  detail::child_state& child = unstarted_state();
  start_call(*child.kept);
  child.kept.reset();
}

void process::join() const {
  started(state()).wait(deadline::never());
}

void process::join(rethrow_t) const {
  join();
  if (const std::exception_ptr thrown = state().thrown()) std::rethrow_exception(thrown);
  const exit_status how = status();
  if (how.is == exit_status::state::killed) throw process_died(name(), pid(), how.code, how.core_dumped);
}

bool process::join_until(deadline until) const {
  return started(state()).wait(until);
}

bool process::is_alive() const {
  return status().is == exit_status::state::running;
}
exit_status process::status() const {
  return state().status();
}

std::optional<int> process::exit_code() const {
  const exit_status now = status();
  switch (now.is) {
    case exit_status::state::exited:
      return now.code;
    case exit_status::state::killed:
      return -now.code;
    default:
      return std::nullopt;
  }
}

void process::terminate() const {
  started(state()).signal(os::request::terminate);
}
void process::kill() const {
  started(state()).signal(os::request::kill);
}
void process::interrupt() const {
  started(state()).signal(os::request::interrupt);
}

const std::string& process::name() const {
  return state().name;
}
void process::set_name(std::string name) {
  detail::child_state& child = unstarted_state();
  child.name = std::move(name);
  child.named = true;
}
bool process::daemon() const {
  return state().daemon;
}
void process::set_daemon(bool daemon) {
  unstarted_state().daemon = daemon;
}
std::int64_t process::pid() const {
  return state().id();
}
native_handle_type process::native_handle() const {
  return started(state()).handle().native();
}

void process::close() {
  if (!state_) return;
  if (is_alive()) {
    throw process_error("process " + name() +
                        " is running and cannot be closed: join, terminate or kill it first");
  }
  state_.reset();
}

std::vector<process_handle> active_children() {
  detail::look_after_servers();
  std::vector<process_handle> running;
  for (const auto& child : detail::known_children()) {
    if (child->status().is == exit_status::state::running) {
      running.push_back(process_handle::adopt(duplicate(child->handle()), child->name));
    }
  }
  return running;
}

}  // namespace ferry
