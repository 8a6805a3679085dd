// SPDX-License-Identifier: BSL-1.0
// Contexts: the start methods of processes, and what goes with them.
#pragma once

#include <ferry/archive_options.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace ferry {

enum class start_method {
  spawn,       ///< the program itself is started again, or another program
  fork,        ///< this process is copied; refused when it has more than one thread
  forkserver,  ///< a small copy of the program, started once, forks the children
};

/// "spawn", "fork", "forkserver".
const char* to_string(start_method method) noexcept;
/// Those that this platform has, the default first.
std::vector<start_method> all_start_methods();

/// How a process is started. A value: copy it, change it, give it to `process_options`.
struct context {
  start_method method = start_method::spawn;
  /// Whether guarded objects may cross at any time. Those among the arguments of a process always may.
  transfer mode = transfer::inherit;
  const dispatch_table* table = nullptr;  ///< for writing arguments; null: the global one
  limits limit = {};                      ///< of the message with the arguments
  std::string name_prefix = "process";    ///< of the names that processes get by themselves
  /// With `spawn` and `forkserver`: path of the program to start, which must call `ferry::init` first in its
  /// main and mention the callable (`ferry::fn<&work>`). Empty: this program.
  std::string program = {};
  /// With `fork`: also when other threads run. What these hold (locks, for one) stays held in the child for
  /// ever. Of the streams of `<cstdio>` only the standard ones are flushed before, and only if no other
  /// thread is using them: what waits in others to be written, the child has too.
  bool fork_with_threads = false;
  /// How long another program or the forkserver may take to answer.
  std::chrono::milliseconds start_timeout = std::chrono::seconds(30);
};

/// A context crosses to a child without what means something in its parent alone.
template <class Archive>
void serialize(Archive& archive, context& whole, unsigned) {
  // Each member has its name here, so that none that is added to them can be forgotten.
  auto& [method, mode, table, limit, name_prefix, program, fork_with_threads, start_timeout] = whole;
  static_cast<void>(table);
  static_cast<void>(program);
  archive& method& mode& limit& name_prefix& fork_with_threads& start_timeout;
}

/// The context of processes for which none is named. A started child begins with the one by which it was
/// started, without `table` and `program`. Thread-safe.
context default_context();
/// Thread-safe.
/// @throws process_error  when no process could be started so: `fork` with a `program`
void set_default_context(context to);

/// Sets the method of the default context, once in each process.
/// @param force  set it again
/// @throws process_error  when it is settled and not `force`: it has been set (also by
/// `set_default_context`),
///                        or a process or a pool without a context of its own was started. Also as
///                        `set_default_context`
void set_start_method(start_method method, bool force = false);
/// Settles nothing.
start_method get_start_method();

/// Lets go of the forkservers of this process, if there are any (one for each program that is started so);
/// the next start by `start_method::forkserver` launches another. Each ends with the last of its children,
/// waited for by who takes note of that one's end; one that has none is waited for here, for ten seconds at
/// most.
///
/// Not needed for the end of the program, which does the same, nor for children to be like this process: when
/// anything that a child inherits has changed since the last start (environment, folder, user, limits, ...),
/// the next start launches a new server by itself.
void stop_forkserver();

}  // namespace ferry
