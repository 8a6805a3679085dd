// SPDX-License-Identifier: BSL-1.0
// The nesting depth of values, counted alike in both archives.
#pragma once

#include <cstddef>

namespace ferry::detail {

/// Open while the elements of a container, the target of a pointer or the members of a class are written or
/// read. What is left of `limits::depth` is put back as it was found, which costs less than counting up.
///
/// A user may allow more levels than there is stack for, and a level takes as much of it as its compiler
/// likes: so the stack is looked at too, after so few levels that they fit into what it keeps in reserve.
///
/// @throws limit_exceeded  when nothing is left, or the thread's stack is nearly used up
template <class Archive>
class nesting {
 public:
  [[gnu::always_inline]] explicit nesting(Archive& archive)
      : archive_(archive), depth_left_(archive.depth_left_) {
    if (depth_left_ % levels_between_looks == 0) [[unlikely]]
      archive_.check_depth();
    archive_.depth_left_ = depth_left_ - 1;
  }
  ~nesting() { archive_.depth_left_ = depth_left_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  static constexpr std::size_t levels_between_looks = 8;

  Archive& archive_;
  const std::size_t depth_left_;
};

}  // namespace ferry::detail
