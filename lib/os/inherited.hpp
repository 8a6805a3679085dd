// What a process has from the one that starts it, besides memory and handles.
#pragma once

#include <string>

namespace ferry::os {

/// All that a program would have from the calling thread if it were started now, as text to be compared with
/// an earlier one of the same process: output and error stream; environment; working and root folder; user,
/// groups, capabilities and what else bounds rights; file mode mask; ignored signals; resource limits;
/// priorities, processors and memory nodes; session and process group; namespaces and control groups.
/// @throws system_error  when the system does not tell, so for want of /proc
std::string inherited_state();

}  // namespace ferry::os
