// SPDX-License-Identifier: BSL-1.0
// Reducer of process handles, which are checked on arrival.
#include <ferry/error.hpp>
#include <ferry/process_handle.hpp>

#include "os/other_process.hpp"

#include <algorithm>
#include <optional>

namespace ferry {

std::tuple<handle_view, std::int64_t, std::string> reducer<process_handle>::reduce(
    const process_handle& process) {
  return {handle_view(process.native_handle()), process.pid(), process.name()};
}

process_handle reducer<process_handle>::rebuild(unique_handle handle, std::int64_t pid, std::string called) {
  const std::optional<os::process_shown> found = os::process_behind(handle);
  if (!found) throw archive_error("received handle of process " + std::to_string(pid) + " is of no process");
  // What one that is gone, or that has no id here, was called by the sender cannot be told, and no other can
  // be meant. A sender in a namespace of its own calls it by one of the ids further down.
  const bool is_known = found->id > 0;
  if (is_known && pid != found->id && std::ranges::find(found->ids, pid) == found->ids.end())
    throw archive_error("received handle of process " + std::to_string(pid) + " is of process " +
                        std::to_string(found->id));
  return process_handle::adopt(std::move(handle), std::move(called));
}

}  // namespace ferry
