// How deep values lie inside one another, counted alike in both archives.
#pragma once

#include <cstddef>

namespace ferry::detail {

/// Open while the elements of a container, the target of a pointer or the members of a class are written or
/// read. What is left of `limits::depth` is put back as it was found, which costs less than counting up.
///
/// @throws limit_exceeded  when nothing is left
template <class Archive>
class nesting {
 public:
  explicit nesting(Archive& archive) : archive_(archive), depth_left_(archive.depth_left_) {
    if (depth_left_ == 0) archive_.throw_too_deep();
    archive_.depth_left_ = depth_left_ - 1;
  }
  ~nesting() { archive_.depth_left_ = depth_left_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  Archive& archive_;
  const std::size_t depth_left_;
};

}  // namespace ferry::detail
