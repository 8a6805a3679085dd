// SPDX-License-Identifier: BSL-1.0
// The forkservers that this process has launched: one for each program, replaced when they are not any more
// what this process would start.
#pragma once

#include <ferry/deadline.hpp>

#include "base/fork.hpp"
#include "os/process.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace ferry::detail {

/// How long a server may take to be gone: when no process asks anything of it, and again when it is killed.
inline constexpr std::chrono::seconds dying_time{5};

/// A server that was launched. It ends when the last who has it lets go: who asks it, and each child that it
/// has forked and whose end it has still to report.
class server {
 public:
  /// @param program  path; empty: this program
  explicit server(const std::string& program);
  /// Blocks until it has ended; for some seconds at most.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  const std::string& program() const noexcept { return program_; }
  /// In a fork of the process that launched it, which has none.
  bool is_copy() const noexcept { return on_fork_.is_copy(); }
  handle_view requests() const noexcept { return requests_; }
  /// Waits for its end, and takes its status.
  /// @returns whether it has ended
  bool has_ended(deadline until) const;
  /// Whether it has what a child started now has to have.
  bool is_up_to_date() const;

  /// It has answered: so its program knows how to be a server.
  void note_answer() noexcept { has_answered_ = true; }
  bool has_answered() const noexcept { return has_answered_; }
  void kill() const noexcept;
  /// Has it fork no further children, not even for code that takes over this process.
  void retire() noexcept;
  bool is_retired() const noexcept { return retired_; }

 private:
  std::string program_;
  std::string inherited_;  // as of its launch
  std::atomic<bool> has_answered_{false}, retired_{false};
  os::started_process process_;
  bool was_within_fence_ = false;
  unique_handle requests_;
  const fork_hook on_fork_{[this] {
    requests_.reset();
    process_.handle.reset();
  }};
};

/// The server of a program, launched if none runs.
std::shared_ptr<server> running_server(const std::string& program);
/// Retires it, and has the next start launch another one.
void replace(const std::shared_ptr<server>& old);
/// Takes the status of those that have ended.
void look_after_servers() noexcept;

}  // namespace ferry::detail
