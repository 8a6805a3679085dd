// SPDX-License-Identifier: BSL-1.0
// Many handles behind one that is readable when any of them is.
#pragma once

#include <ferry/handle.hpp>

namespace ferry::os {

/// For objects that wait on several handles but have one `native_handle()`. The system has one set for a
/// process and its forked copies, with the handles of every process that puts some in. Not thread-safe.
class wait_set {
 public:
  /// @throws system_error  out of descriptors
  wait_set();

  /// @throws system_error
  void add(handle_view handle);
  /// Before `handle` is closed: a forked child may have it open too.
  void remove(handle_view handle) noexcept;
  /// Whether `handle`, which is in the set, makes it readable. (So it does at first.)
  void heed(handle_view handle, bool heeded) noexcept;

  handle_view handle() const noexcept { return set_; }

 private:
  unique_handle set_;
};

}  // namespace ferry::os
