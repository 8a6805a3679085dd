// SPDX-License-Identifier: BSL-1.0
// Launching forkservers, replacing and reaping them.
#include "process/server.hpp"

#include <ferry/context.hpp>
#include <ferry/error.hpp>

#include "os/inherited.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/command_line.hpp"
#include "process/zygote.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ferry::detail {
namespace {

/// Guarded by hold_off_forks(). Never destroyed: the servers see their client end.
struct server_list {
  std::vector<std::shared_ptr<server>> current;  // at most one for each program
  std::vector<std::weak_ptr<server>> all;
};
server_list& servers() {
  static auto& list = *new server_list;
  return list;
}

/// To be called with forks held off. What ends the program's children ran before or runs later: the last of
/// them takes the server along.
void stop_at_exit() {
  // As of `finish_all_at_exit`. Who starts processes in exit handlers has another one registered.
  static std::optional<fork_mark> registered;
  if (registered && !registered->is_copy()) return;
  std::atexit([] {
    registered.reset();
    stop_forkserver();
  });
  registered.emplace();
}

}  // namespace

server::server(const std::string& program) : program_(program), inherited_(os::inherited_state()) {
  // A fork in between would keep the server alive after its client.
  const auto lock = hold_off_forks();
  os::handle_pair ends = os::packet_socket_pair();
  const std::array<handle_view, 1> passed{ends.second};
  process_ = os::start_program({program, {std::string(forkserver_argument)}}, passed);
  requests_ = std::move(ends.first);
  was_within_fence_ = os::may_look_into(process_.id);
}

server::~server() {
  if (is_copy()) return;
  requests_.reset();
  try {
    if (has_ended(deadline::after(dying_time))) return;
    kill();
    has_ended(deadline::after(dying_time));
  } catch (const error&) {  // nothing is left to be done for it
  }
}

bool server::has_ended(deadline until) const {
  if (!os::wait_readable(process_.handle, until)) return false;
  os::reap(process_.handle);
  return true;
}

bool server::is_up_to_date() const {
  return os::inherited_state() == inherited_ && (!was_within_fence_ || os::may_look_into(process_.id));
}

void server::kill() const noexcept {
  try {
    os::signal_process(process_.handle, os::request::kill);
  } catch (const error&) {  // it has the rights that this process has given up: its client's end has to do
  }
}

void server::retire() noexcept {
  retired_ = true;
  if (is_copy()) return;
  try {
    const fork_request last{.magic = fork_request::retire_magic};
    const std::array parts{std::as_bytes(std::span(&last, 1))};
    os::send_packet(requests_, parts, {}, deadline::immediately());
  } catch (const error&) {  // it has ended
  }
}

std::shared_ptr<server> running_server(const std::string& program) {
  std::shared_ptr<server> ended;  // outlives the lock
  const auto lock = hold_off_forks();
  auto& [current, all] = servers();
  std::erase_if(current, [](const auto& each) { return each->is_copy(); });
  const auto known = std::ranges::find(current, program, [](const auto& each) { return each->program(); });
  if (known != current.end()) {
    if (!(*known)->has_ended(deadline::immediately())) return *known;
    ended = std::move(*known);
    current.erase(known);
  }
  stop_at_exit();
  auto launched = std::make_shared<server>(program);
  std::erase_if(all, [](const auto& each) { return each.expired(); });
  all.push_back(launched);
  current.push_back(launched);
  return launched;
}

void replace(const std::shared_ptr<server>& old) {
  const auto lock = hold_off_forks();
  old->retire();
  std::erase(servers().current, old);
}

void look_after_servers() noexcept {
  try {
    std::vector<std::shared_ptr<server>> living;
    const auto lock = hold_off_forks();
    for (const auto& each : servers().all) {
      if (auto found = each.lock(); found && !found->is_copy()) living.push_back(std::move(found));
    }
    for (const auto& each : living) each->has_ended(deadline::immediately());
  } catch (...) {  // another time
  }
}

}  // namespace ferry::detail

namespace ferry {

void stop_forkserver() {
  std::vector<std::shared_ptr<detail::server>> last;
  const auto lock = detail::hold_off_forks();
  last.swap(detail::servers().current);
  for (const auto& each : last) each->retire();
}

}  // namespace ferry
