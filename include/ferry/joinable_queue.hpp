// SPDX-License-Identifier: BSL-1.0
// A queue of tasks whose end can be waited for.
#pragma once

#include <ferry/detail/queue/basic_queue.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace ferry {

/// A `queue` that knows what has been taken and is not done: who takes an item calls `task_done()` when it
/// is, and `join()` waits for all. A process that ends with tasks not done does not make any other wait for
/// ever: they count as done, and `join` throws.
///
///   for (const job& each : jobs) { work_on(each); jobs.task_done(); }   // in the workers
///   jobs.join();                                                        // here
template <class T>
class joinable_queue : public detail::basic_queue<T> {
 public:
  /// @throws system_error  when memory or descriptors have run out; it takes four
  explicit joinable_queue(const queue_options& options = {})
      : detail::basic_queue<T>(detail::queue_core(options, true)) {}

  /// The oldest task that this process has taken is done. Takes time in proportion to the tasks that have
  /// been taken since the oldest one that is not done.
  /// @throws usage_error  when this process has taken no task that is not done
  void task_done() { this->core_.task_done(); }

  /// @name Waiting until all that was put has been taken and is done
  /// @throws tasks_lost  when it is over, but processes ended with tasks that were not done; each copy of the
  ///                     queue tells of a task once
  ///@{
  void join() { join_until(deadline::never()); }
  template <class Rep, class Period>
  bool join_for(std::chrono::duration<Rep, Period> time) {
    return join_until(deadline::after(time));
  }
  /// @returns false when there was something left to do then
  bool join_until(deadline until) { return this->core_.join(until); }
  ///@}

 private:
  friend struct detail::queue_reducer<joinable_queue>;
  explicit joinable_queue(detail::queue_core core) noexcept : detail::basic_queue<T>(std::move(core)) {}
};

namespace detail {
struct joinable_queue_name {
  static constexpr std::string_view name = "ferry.joinable_queue";
};
}  // namespace detail

template <class T>
struct reducer<joinable_queue<T>> : detail::queue_reducer<joinable_queue<T>> {
  static constexpr auto name = detail::shareable_wire_name<detail::joinable_queue_name, T>::value;
};

}  // namespace ferry
