// SPDX-License-Identifier: BSL-1.0
// Forks of this process, and what forked copies of it must not take for their own.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace ferry::detail {

/// Differs in each forked copy from what it is in the process that forked, and is otherwise always the same.
/// A fork behind Ferry's back counts as well. Thread-safe.
std::uint64_t fork_generation() noexcept;

/// How often this process has forked. A forked copy begins with the count that its parent has then.
/// Thread-safe.
std::uint64_t fork_count() noexcept;

/// Remembers in which process it was made. A value.
class fork_mark {
 public:
  /// True in a forked copy of the process that made the mark.
  bool is_copy() const noexcept { return generation_ != fork_generation(); }

 private:
  std::uint64_t generation_ = fork_generation();
};

/// Says what an object does in a forked copy of this process: it closes its handles there, so that they do
/// not keep open what belongs to the parent alone (a lifeline, the channel to a sibling). To be the last
/// member of the object, so that it is made after and goes before what it works on.
class fork_hook {
 public:
  /// @param in_copy  called while no other thread exists; must not throw
  explicit fork_hook(std::function<void()> in_copy);
  ~fork_hook();
  fork_hook(const fork_hook&) = delete;
  fork_hook& operator=(const fork_hook&) = delete;

  bool is_copy() const noexcept { return made_in_.is_copy(); }

 private:
  friend struct fork_handlers;

  std::function<void()> in_copy_;
  fork_mark made_in_;
};

/// Has `in_copy` called in every forked copy, and in copies of copies, before the hooks of objects. For what
/// a process knows of itself: there is a fixed number of such functions. Never undone.
/// @param in_copy  called while no other thread exists; must not throw
void in_each_copy(void (*in_copy)()) noexcept;

/// Held while handles that only an object with a `fork_hook` may hold are made and not yet its own; a fork
/// waits for it. Not to be held while forking.
[[nodiscard]] std::unique_lock<std::recursive_mutex> hold_off_forks();

}  // namespace ferry::detail
