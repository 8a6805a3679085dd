// Starting a child by each of the start methods.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/process.hpp>

#include "os/process.hpp"

#include <string>
#include <vector>

namespace ferry::detail {

class child_state;

/// What the parent holds of a child.
struct started_child {
  os::started_process process;
  connection channel;      ///< the start goes over it, and the exception that ended the callable comes back
  unique_handle lifeline;  ///< daemons only: while it is open anywhere, the child may live
  unique_handle report;    ///< forkserver only: how the child ended is told here
};

/// Starts a child that is not running. Blocks until the child has all that it needs.
/// @throws as the constructor of `process`
started_child start(const child_state& child, const call& what);
/// Forks a child that runs `what`.
started_child start(const child_state& child, closure& what);

}  // namespace ferry::detail
