// Processes cross as their handle, and are checked on arrival.
#include <ferry/error.hpp>
#include <ferry/process_handle.hpp>

#include "os/other_process.hpp"

#include <optional>

namespace ferry {

std::tuple<handle_view, std::int64_t, std::string> reducer<process_handle>::reduce(
    const process_handle& process) {
  return {handle_view(process.native_handle()), process.pid(), process.name()};
}

process_handle reducer<process_handle>::rebuild(unique_handle handle, std::int64_t pid, std::string called) {
  const std::optional<std::int64_t> found = os::process_behind(handle);
  if (!found) throw archive_error("received handle of process " + std::to_string(pid) + " is of no process");
  constexpr std::int64_t gone = -1;  // what it was called cannot be told any more, and no other can be meant
  if (*found != pid && *found != gone)
    throw archive_error("received handle of process " + std::to_string(pid) + " is of process " +
                        std::to_string(*found));
  return process_handle::adopt(std::move(handle), std::move(called));
}

}  // namespace ferry
