// SPDX-License-Identifier: BSL-1.0
// Watching and signalling any process.
#include <ferry/process_handle.hpp>

#include "os/handle.hpp"
#include "os/other_process.hpp"
#include "os/process.hpp"
#include "os/wait.hpp"

#include <optional>
#include <system_error>

namespace ferry {

process_handle process_handle::open(std::int64_t pid, std::string name) {
  std::optional<unique_handle> opened = os::open_process(pid);
  if (!opened) os::throw_system_error(std::errc::no_such_process, "open process " + std::to_string(pid));
  return {std::move(*opened), pid, std::move(name)};
}

process_handle process_handle::adopt(unique_handle handle, std::string name) {
  const std::optional<os::process_shown> found = os::process_behind(handle);
  if (!found)
    os::throw_system_error(std::errc::bad_file_descriptor,
                           "use handle " + std::to_string(os::number_of(handle)) + " as one of a process");
  return {std::move(handle), found->id, std::move(name)};
}

bool process_handle::wait_until(deadline until) const {
  return os::wait_readable(held(), until);
}

void process_handle::terminate() const {
  os::signal_process(held(), os::request::terminate);
}
void process_handle::kill() const {
  os::signal_process(held(), os::request::kill);
}
void process_handle::interrupt() const {
  os::signal_process(held(), os::request::interrupt);
}

}  // namespace ferry
