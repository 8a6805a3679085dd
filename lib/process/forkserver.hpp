// SPDX-License-Identifier: BSL-1.0
// The forkserver as its client sees it; lib/process/zygote.hpp is the other side.
#pragma once

#include <ferry/context.hpp>
#include <ferry/deadline.hpp>
#include <ferry/message.hpp>

#include "os/process.hpp"

#include <memory>
#include <optional>

namespace ferry::detail {

class server;

/// A child that the forkserver has forked.
struct forked_child {
  os::started_process process;
  unique_handle report;  ///< `take_report` reads from it how the child ended
  std::shared_ptr<server> from;
  /// Otherwise what a child inherits has changed since the server was launched. The child must not be let go,
  /// and the next one is of another server.
  bool up_to_date;
};

/// Has the forkserver of a program fork a child, launching or relaunching the server if need be.
/// Thread-safe.
/// @param how  which program
/// @param channel  the child's end of the connection that it is started over
/// @param lifeline  invalid, or what the child dies with
/// @param start  goes along unless it is large, and is empty then: the child waits for any message over its
///               channel. Otherwise it waits for this one
/// @returns nothing when the server died over it. There may be a child nevertheless: it is to find its
///          channel closed, so another attempt needs a new one
/// @throws process_error  when the server does not answer before `until`, or cannot read `start`
/// @throws system_error  as `os::start_program`, from the server too
std::optional<forked_child> fork_by_server(const context& how, handle_view channel, handle_view lifeline,
                                           message& start, deadline until);

/// To be asked when there is something to read from `report`, or `process` has ended.
/// @returns how the child ended; 255 when the server died before it could tell and no other process can;
/// nothing when there is no report yet
std::optional<os::ending> take_report(handle_view report, handle_view process, const server& from);

}  // namespace ferry::detail
