// SPDX-License-Identifier: BSL-1.0
// Threads of the library's own.
#pragma once

#include <functional>
#include <thread>

namespace ferry::os {

/// Starts a thread that blocks all signals, from its first instruction on: those that are sent to the process
/// are for the program's own threads, of which some may wait for them or have blocked them.
/// @throws std::system_error  when no thread can be had
std::thread start_thread(std::function<void()> body);

/// In such a thread, calls what may be the program's code: what a processor reports of a mistake in it
/// (SIGSEGV and the like) goes to the program's handlers meanwhile.
void with_faults_handled(const std::function<void()>& what);

/// For a process that was started by such a thread: none of its signals is blocked any more.
void take_all_signals() noexcept;

}  // namespace ferry::os
