// What this process knows of its children, kept right across forks.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace ferry::detail {

/// Says what an object does in a forked copy of this process: it closes its handles there, so that they do
/// not keep open what belongs to the parent alone (a lifeline, the channel to a sibling). Also after a `fork`
/// behind Ferry's back. To be the last member of the object, so that it is made after and goes before what it
/// works on.
class fork_hook {
 public:
  /// @param in_copy  called while no other thread exists; must not throw
  explicit fork_hook(std::function<void()> in_copy);
  ~fork_hook();
  fork_hook(const fork_hook&) = delete;
  fork_hook& operator=(const fork_hook&) = delete;

  /// True in a forked copy of the process that made the object.
  bool is_copy() const noexcept;

 private:
  friend struct fork_handlers;

  std::function<void()> in_copy_;
  std::uint64_t generation_;
};

/// Held while handles that only an object with a `fork_hook` may hold are made and not yet its own; a fork
/// waits for it. Not to be held while forking.
[[nodiscard]] std::unique_lock<std::recursive_mutex> hold_off_forks();

}  // namespace ferry::detail
