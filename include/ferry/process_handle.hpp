// SPDX-License-Identifier: BSL-1.0
// Handles of any process, not only of a child, as values that cross.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace ferry {

/// A handle of a process, whichever process started it: never of another one that gets its id later. It can
/// be watched and signalled; its exit code is for its parent alone (see `process`). An owned handle: movable,
/// not copyable. Const members may be called from several threads at once.
class process_handle {
 public:
  /// @param pid  of a running process, or a child that was not waited for
  /// @param name  for messages; free to choose
  /// @throws system_error  `std::errc::no_such_process`, or out of descriptors
  static process_handle open(std::int64_t pid, std::string name = {});
  /// Takes over a handle of a process (a pidfd).
  /// @throws system_error  when it is no handle of a process
  static process_handle adopt(unique_handle handle, std::string name = {});

  /// As this process sees it: -1 if the process was gone already when the handle came here; 0 if it has no id
  /// here, being in another namespace of process ids.
  std::int64_t pid() const {
    held();
    return pid_;
  }
  const std::string& name() const {
    held();
    return name_;
  }

  /// False from the moment it ends, even before its parent takes note.
  bool is_alive() const { return !wait_until(deadline::immediately()); }
  /// Blocks until the process ends.
  void wait() const { wait_until(deadline::never()); }
  /// @returns whether it has ended within that time
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(deadline::after(time));
  }
  bool wait_until(deadline until) const;

  /// Sends SIGTERM. All three do nothing if the process has ended.
  /// @throws system_error  when this process may not signal it
  void terminate() const;
  /// Sends SIGKILL.
  void kill() const;
  /// Sends SIGINT, as Ctrl-C does.
  void interrupt() const;

  /// Becomes ready for reading when the process ends, and stays so: for any event loop.
  native_handle_type native_handle() const { return held().native(); }
  /// False when it was moved from.
  bool valid() const noexcept { return handle_.valid(); }

 private:
  const unique_handle& held() const {
    if (!handle_.valid()) detail::throw_empty("process_handle");
    return handle_;
  }

  process_handle(unique_handle handle, std::int64_t pid, std::string name) noexcept
      : handle_(std::move(handle)), pid_(pid), name_(std::move(name)) {}

  unique_handle handle_;
  std::int64_t pid_;
  std::string name_;
};

/// Crosses as its handle.
template <>
struct reducer<process_handle> {
  static constexpr std::string_view name = "ferry.process_handle";
  static std::tuple<handle_view, std::int64_t, std::string> reduce(const process_handle& process);
  /// @throws archive_error  when the handle is of no process, or of another one
  static process_handle rebuild(unique_handle handle, std::int64_t pid, std::string name);
};

}  // namespace ferry
