// SPDX-License-Identifier: BSL-1.0
// State that a process inherits from the one that starts it, besides memory and handles.
#pragma once

#include "os/process.hpp"

#include <string>

namespace ferry::os {

/// All that a program would have from the calling thread if it were started now, as text to be compared with
/// an earlier one of the same process: output and error stream; environment; working and root folder; user,
/// groups, capabilities, keys and what else bounds rights; file mode mask; ignored signals; resource limits;
/// priorities, processors and memory nodes; what bounds its memory, and whether it is killed for lack of
/// some, or written to a core; session and process group; namespaces and control groups.
/// @throws system_error  when the system does not tell, so for lack of /proc
std::string inherited_state();

/// Whether this process may look into another one of its user. One that has fenced itself in since it started
/// the other (Landlock) may not, and the system tells of the fence in no other way.
bool may_look_into(process_id other);

}  // namespace ferry::os
