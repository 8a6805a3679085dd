// SPDX-License-Identifier: BSL-1.0
// Reducers of locks, condition variables and once flags: they cross as the memory they are in, and their
// offset there.
#include <ferry/condition_variable.hpp>
#include <ferry/mutex.hpp>
#include <ferry/once_flag.hpp>

#include "sync/condition_state.hpp"
#include "sync/lock_state.hpp"
#include "sync/once_state.hpp"

#include <utility>

namespace ferry {

std::tuple<handle_view, std::uint64_t> reducer<mutex>::reduce(const mutex& lock) {
  return lock.location().parts();
}
mutex reducer<mutex>::rebuild(unique_handle memory, std::uint64_t offset) {
  return mutex(
      detail::shared_location(std::move(memory), offset, detail::mutex_kind, sizeof(detail::lock_state)));
}

std::tuple<handle_view, std::uint64_t> reducer<recursive_mutex>::reduce(const recursive_mutex& lock) {
  return lock.location().parts();
}
recursive_mutex reducer<recursive_mutex>::rebuild(unique_handle memory, std::uint64_t offset) {
  return recursive_mutex(detail::shared_location(std::move(memory), offset, detail::recursive_mutex_kind,
                                                 sizeof(detail::lock_state)));
}

std::tuple<handle_view, std::uint64_t> reducer<condition_variable>::reduce(
    const condition_variable& condition) {
  return condition.location_.parts();
}
condition_variable reducer<condition_variable>::rebuild(unique_handle memory, std::uint64_t offset) {
  return condition_variable(detail::shared_location(std::move(memory), offset, detail::condition_kind,
                                                    sizeof(detail::condition_state)));
}

std::tuple<handle_view, std::uint64_t> reducer<once_flag>::reduce(const once_flag& flag) {
  return flag.location_.parts();
}
once_flag reducer<once_flag>::rebuild(unique_handle memory, std::uint64_t offset) {
  return once_flag(
      detail::shared_location(std::move(memory), offset, detail::once_kind, sizeof(detail::once_state)));
}

}  // namespace ferry
