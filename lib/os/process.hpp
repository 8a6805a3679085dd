// SPDX-License-Identifier: BSL-1.0
// Processes: starting, watching, signalling and reaping them, and dying with a parent.
#pragma once

#include <ferry/handle.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ferry::os {

using process_id = std::int64_t;

/// How a process ended.
struct ending {
  enum class kind : std::int32_t {
    exited,   ///< `code` is the exit code, 0 to 255
    killed,   ///< `code` is the number of the signal
    dumped,   ///< as `killed`, and a core was written
    unknown,  ///< other code took the status, and the system does not tell it twice
  };
  kind how = kind::unknown;
  std::int32_t code = 0;
};

/// A process that was started. The handle becomes ready for reading when it ends, and stays so.
struct started_process {
  process_id id = 0;
  unique_handle handle;
};

process_id own_id() noexcept;
/// A handle to the process itself, for others to watch it by.
unique_handle open_own_process();

/// How a program is started.
struct program {
  std::string path;                    ///< empty: the program that runs
  std::vector<std::string> arguments;  ///< after the program's name
};

/// The first of the numbers under which a started program finds the handles meant for it.
inline constexpr int first_passed_handle = 3;
/// How many can be passed.
inline constexpr std::size_t most_passed_handles = 2;

/// Starts a program with an empty standard input, the caller's output and error streams, no blocked signals,
/// and of all handles `passed` alone, which it finds as `passed_handle(0)`, `passed_handle(1)`.
/// @throws system_error  naming the program; for lack of processes, or of room for the environment, also the
///                       limit and the cure
started_process start_program(const program& what, std::span<const handle_view> passed);

/// To be called with what `main` was given, for `start_program` to find this program again where it was
/// started by way of the system's loader.
void note_command_line(int argc);

/// In a program started by `start_program`: takes what was passed.
unique_handle passed_handle(std::size_t index) noexcept;

/// In a program started by `start_program`: has the system call it by its own name. When a program is started
/// again, that is at first the name of a link, `exe`.
void take_program_name() noexcept;
/// Has the system call this process by another name, or the beginning of it.
void set_own_name(const std::string& name) noexcept;

enum class output { standard, error };
/// Has what is written to a standard stream go elsewhere.
void redirect(output stream, handle_view to) noexcept;

/// Copies the process. What its C streams and the standard streams have still to write is written by the
/// parent alone. The exit handlers that there are, and the static objects, stay the parent's: a child that
/// exits runs and destroys only its own.
/// @returns what was started; an `id` of 0 in the child
/// @throws system_error  as `start_program`
started_process fork_process();

/// For a forked child: an empty standard input.
void drop_standard_input() noexcept;
/// For a forked child: closes every handle but the standard streams and those given, whatever code owns them.
/// @param kept  is put in order; those that are not valid are passed over
void close_all_but(std::span<handle_view> kept) noexcept;

/// True if the process has threads besides the calling one. One that has been joined does not count. Where
/// the system does not tell which those are, they are waited for, for a second at most.
bool other_threads_run();

enum class request { interrupt, terminate, kill };
/// Sends a signal. Does nothing if the process has ended.
/// @throws system_error  when it may not be signalled
void signal_process(handle_view process, request what);

/// Takes the status of a child that has ended, so that it is no zombie any more.
/// @returns nothing while it runs; `unknown` when it is not there to be taken
std::optional<ending> reap(handle_view process);

/// Ends this process by SIGKILL as soon as no process holds the other end of a pipe any more, without a
/// thread.
/// @param lifeline  the reading end; has to stay open
void die_with(handle_view lifeline);

/// Leaves Ctrl-C to others.
/// @returns false if it was left to them already
bool ignore_interrupts() noexcept;
void heed_interrupts() noexcept;
/// Has the calling thread take every signal.
void unblock_signals() noexcept;

/// Whether the signal is one that a process brings on itself by a mistake.
bool is_crash(int number) noexcept;

/// Ends the process at once, with no exit handler.
[[noreturn]] void exit_at_once(int code) noexcept;

}  // namespace ferry::os
