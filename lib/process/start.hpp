// SPDX-License-Identifier: BSL-1.0
// Starting a child by each of the start methods.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "base/fork.hpp"
#include "os/process.hpp"

#include <memory>

namespace ferry::detail {

class child_state;
class server;

/// What the parent holds of a child. Nothing of it remains open in a fork of the parent.
struct started_child {
  os::started_process process;
  connection channel;      ///< lets the child begin, and brings back the exception that ended the callable
  unique_handle lifeline;  ///< daemons only: while it is open anywhere, the child may live
  unique_handle report;    ///< forkserver only: how the child ended is told here
  std::shared_ptr<server> from;  ///< forkserver only: who tells it
  bool was_too_late = false;     ///< it had ended when its work was to be given to it
  const fork_hook on_fork{[this] {
    process.handle.reset();
    channel.close();
    lifeline.reset();
    report.reset();
  }};
};

/// Starts a child that is not running. Blocks until the child has all that it needs.
/// @throws as the constructor of `process`
std::unique_ptr<started_child> start(const child_state& child, const call& what);
/// Forks a child that runs `what`.
std::unique_ptr<started_child> start(const child_state& child, closure& what);

}  // namespace ferry::detail
