// SPDX-License-Identifier: BSL-1.0
// Other processes, children or not: watching them, telling them apart, taking their handles.
#pragma once

#include <ferry/handle.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ferry::os {

/// A handle by which a process can be watched and signalled: never another one that has got its id later.
/// @returns nothing when there is no such process
std::optional<unique_handle> open_process(std::int64_t id);

/// When a process started, in the system's own unit; with the id it names a process for as long as the system
/// runs.
/// @returns nothing when there is no such process, or it may not be seen
std::optional<std::uint64_t> start_time_of(std::int64_t id);

/// The process that a handle stands for.
struct process_shown {
  /// Its id here; -1 when it has ended and was waited for; 0 when it has none here, being in another
  /// namespace of ids, or when the system does not tell.
  std::int64_t id = 0;
  std::vector<std::int64_t> ids;  ///< in this namespace and in those below, down to its own; as far as known
};
/// @returns nothing when it is no handle of a process
std::optional<process_shown> process_behind(handle_view handle);

/// What came of taking a handle from another process.
struct taken_handle {
  unique_handle handle;  ///< invalid if it was refused
  std::string refusal;   ///< why, and the cure; empty if there is nothing under that number
};
/// Takes a duplicate of what another process has open under a number.
/// @throws system_error  out of descriptors
taken_handle take_handle_of(handle_view process, std::int32_t number);

}  // namespace ferry::os
