// SPDX-License-Identifier: BSL-1.0
// One child as its parent sees it, from before its start until it is closed.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "base/fork.hpp"
#include "os/process.hpp"
#include "process/start.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

namespace ferry::detail {

/// Thread-safe once started.
class child_state {
 public:
  explicit child_state(const process_options& options);

  // Before the start.
  ferry::context context;
  std::string name;
  bool named;  ///< by its user
  bool daemon;
  std::vector<std::uint32_t> position;
  std::unique_ptr<const call> kept;
  unique_handle output, error_output;  ///< invalid: those of this process

  /// Takes the default context as it is now, if it was given none of its own.
  void settle_context();
  /// Takes over a child. Called once.
  void adopt(std::unique_ptr<started_child> child);
  bool started() const noexcept { return started_; }
  /// In a fork of the process that made the object, which has no children yet.
  bool is_copy() const noexcept { return made_in_.is_copy(); }

  os::process_id id() const noexcept { return started_ ? child_->process.id : 0; }
  handle_view handle() const noexcept { return child_->process.handle; }

  /// Waits for the end. @returns whether it has come
  bool wait(deadline until);
  exit_status status();
  void signal(os::request what);
  /// What the callable threw, or null. After the end.
  std::exception_ptr thrown();

 private:
  bool has_ended(deadline until) const;
  void settle();

  bool has_own_context_;
  std::unique_ptr<started_child> child_;
  std::atomic<bool> started_{false}, ended_{false};
  std::mutex mutex_;  // of what follows
  exit_status status_;
  std::optional<message> report_;  // the exception, still to be read
  std::exception_ptr thrown_;
  const fork_mark made_in_;
};

/// Every child of this process that was started and has not been dropped, oldest first.
std::vector<std::shared_ptr<child_state>> known_children();
/// Makes a child known, and has the end of the program look after it.
void make_known(const std::shared_ptr<child_state>& child);

/// Terminates daemons, waits for all other children.
void finish(child_state& child) noexcept;

}  // namespace ferry::detail
