// How processes are started: start methods, and what goes with them.
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
  /// With `spawn`: path of the program to start, which must call `ferry::init` first in its main and mention
  /// the callable (`ferry::fn<&work>`). Empty: this program.
  std::string program = {};
  /// With `fork`: also when other threads run. What these hold (locks, for one) stays held in the child for
  /// ever. Of the streams of `<cstdio>` only the standard ones are flushed before, and only if no other
  /// thread is using them: what waits in others to be written, the child has too.
  bool fork_with_threads = false;
  /// How long another program or the forkserver may take to answer.
  std::chrono::milliseconds start_timeout = std::chrono::seconds(30);
};

/// The context of processes for which none is named. A started child has that of the one which started it,
/// without `table` and `program`. Thread-safe.
context default_context();
/// Thread-safe.
void set_default_context(context to);

/// Sets the method of the default context, once.
/// @param force  set it again
/// @throws process_error  when it has been set already, also by the start of a process, and not `force`
void set_start_method(start_method method, bool force = false);
start_method get_start_method();

/// Ends the forkserver of this process, if there is one; the next start by `start_method::forkserver`
/// launches another. Its children go on, but their exit codes cannot be known any more (they are reported as
/// 255). It ends by itself when this process does.
void stop_forkserver();

}  // namespace ferry
