// SPDX-License-Identifier: BSL-1.0
// Running the callable and telling the parent what it threw.
#include "process/child_main.hpp"

#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "archive/thrown.hpp"
#include "base/fork.hpp"
#include "channel/local_driver.hpp"
#include "os/process.hpp"
#include "os/socket.hpp"
#include "process/identity.hpp"

#include <gsl/util>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ferry::detail {
namespace {

/// The parent has checked its message against its own limits, and is trusted.
archive_options trusting() {
  archive_options options;
  constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
  options.limit = {.bytes = any, .depth = any, .objects = any, .handles = any};
  return options;
}

/// The connection to the parent, made when it is needed.
class line_to_parent {
 public:
  explicit line_to_parent(unique_handle channel) noexcept : channel_(std::move(channel)) {}
  connection& get() {
    if (channel_.valid()) {
      made_ = connection(channel::make_local_driver(std::move(channel_)), access::read_write, trusting());
    }
    return made_;
  }

 private:
  unique_handle channel_;
  connection made_;
};

bool silent = false;

/// To be called while an exception is handled.
void tell_of_exception(line_to_parent& parent) noexcept {
  if (!silent) {
    std::fprintf(stderr, "%s (process %lld) ended by an exception of type %s\n", self().name.c_str(),
                 static_cast<long long>(os::own_id()), describe_current_exception().c_str());
    std::fflush(stderr);
  }
  try {
    message report = dumps(std::current_exception());
    parent.get().try_send_message(report);
  } catch (...) {
    // The parent is gone, or the exception cannot cross: the exit code and the line above have to do.
  }
}

void run(read_start& start, closure* work) {
  // What the arguments share ends with them. Memory need not be freed, nor touched for that.
  const auto ended = gsl::finally([&] { start.archive.drop_objects(); });
  become(start.request);
  if (work != nullptr) {
    start.archive.finish();
    work->run();
  } else {
    const callable& target = callable::find(start.request.callable, start.request.callable_distance);
    target.check_members(start.request.callable_members);
    target.invoke(start.archive);
  }
}

/// What this process dies with: it stays open until the very end.
struct held_lifeline {
  handle_view handle;
  std::optional<fork_mark> held_by;
};
held_lifeline& own_lifeline() {
  static held_lifeline instance;
  return instance;
}

void hold(const unique_handle& lifeline) {
  if (!lifeline.valid()) return;
  os::die_with(lifeline);
  own_lifeline() = {lifeline, fork_mark()};
}

template <class Work>
[[noreturn]] void exit_after(Work work, line_to_parent& parent, unique_handle lifeline) noexcept {
  int code = EXIT_SUCCESS;
  try {
    work();
  } catch (...) {
    tell_of_exception(parent);
    code = EXIT_FAILURE;
  }
  // Lives on through exit handlers: the lifeline must.
  static_cast<void>(lifeline.release());
  std::exit(code);
}

/// Whether the parent has the child and lets it begin; otherwise it has given up on it.
bool is_let_go(handle_view channel) {
  std::array<std::byte, 1> any{};
  const std::array parts{std::span<std::byte>(any)};
  std::vector<unique_handle> none;
  return os::receive_packet(channel, parts, none, deadline::never())->bytes != 0;
}

}  // namespace

read_start::read_start(message from) : archive(std::move(from), trusting()) {
  archive >> request;
}

void keep_silent_about_exceptions() noexcept {
  silent = true;
}

void live_as_child(unique_handle channel, unique_handle lifeline, closure* work, bool announce) noexcept {
  hold(lifeline);
  line_to_parent parent(std::move(channel));
  message start;
  try {
    if (announce) parent.get().send_bytes({});
    start = parent.get().recv_message();
  } catch (const end_of_stream&) {
    os::exit_at_once(EXIT_SUCCESS);  // the parent has given up on the start
  }
  const auto read_and_run = [&] {
    read_start read(std::move(start));
    run(read, work);
  };
  exit_after(read_and_run, parent, std::move(lifeline));
}

void live_as_child(unique_handle channel, unique_handle lifeline, read_start& start) noexcept {
  hold(lifeline);
  if (!is_let_go(channel)) os::exit_at_once(EXIT_SUCCESS);
  line_to_parent parent(std::move(channel));
  exit_after([&] { run(start, nullptr); }, parent, std::move(lifeline));
}

void renew_lifeline() {
  if (own_lifeline().held_by && !own_lifeline().held_by->is_copy()) os::die_with(own_lifeline().handle);
}

}  // namespace ferry::detail
