// SPDX-License-Identifier: BSL-1.0
// Why a pool takes no more, and gives up what it has.
#include "pool/pool_phase.hpp"

#include <ferry/error.hpp>

#include <utility>

namespace ferry::detail {

pool_phase::pool_phase()
    : was_terminated(
          std::make_exception_ptr(pool_closed("the pool was terminated before the task was done"))),
      was_destroyed(std::make_exception_ptr(pool_closed("the pool was destroyed before the task was begun"))),
      was_cancelled(std::make_exception_ptr(task_cancelled("the task was cancelled before it was begun"))) {}

void pool_phase::break_off(std::exception_ptr why) noexcept {
  broken_ = std::move(why);
  takes_no_more_ = true;
}

void pool_phase::check_open() const {
  if (broken_) std::rethrow_exception(broken_);
  if (closed_) throw pool_closed("the pool takes no more tasks: it has been closed or terminated");
}

std::exception_ptr pool_phase::why_given_up() const noexcept {
  if (broken_) return broken_;
  if (terminated_) return was_terminated;
  return stopping_ ? was_destroyed : nullptr;
}

}  // namespace ferry::detail
