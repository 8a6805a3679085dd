// What this process knows of its children, kept right across forks.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ferry::detail {

/// Something that a forked copy of this process must let go of: it closes its handles there, so that they do
/// not keep open what belongs to the parent alone (a lifeline, the channel to a sibling). Also after a `fork`
/// behind Ferry's back. An object registers itself when it is constructed.
class fork_aware {
 public:
  fork_aware(const fork_aware&) = delete;
  fork_aware& operator=(const fork_aware&) = delete;

  /// True in a forked copy of the process that made the object.
  bool is_copy() const noexcept;

 protected:
  fork_aware();
  virtual ~fork_aware();

 private:
  friend struct fork_handlers;
  virtual void close_in_copy() noexcept = 0;

  std::uint64_t generation_;
};

/// Held while handles that only a `fork_aware` object may hold are made and not yet its own; a fork waits for
/// it. Not to be held while forking.
[[nodiscard]] std::unique_lock<std::recursive_mutex> hold_off_forks();

}  // namespace ferry::detail
