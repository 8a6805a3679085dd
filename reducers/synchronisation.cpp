// Locks cross as the memory they are in, and their place there.
#include <ferry/mutex.hpp>

#include "sync/lock_state.hpp"

#include <utility>

namespace ferry {

std::tuple<handle_view, std::uint64_t> reducer<mutex>::reduce(const mutex& lock) {
  return lock.place().parts();
}
mutex reducer<mutex>::rebuild(unique_handle memory, std::uint64_t offset) {
  return mutex(
      detail::shared_place(std::move(memory), offset, detail::mutex_kind, sizeof(detail::lock_state)));
}

std::tuple<handle_view, std::uint64_t> reducer<recursive_mutex>::reduce(const recursive_mutex& lock) {
  return lock.place().parts();
}
recursive_mutex reducer<recursive_mutex>::rebuild(unique_handle memory, std::uint64_t offset) {
  return recursive_mutex(detail::shared_place(std::move(memory), offset, detail::recursive_mutex_kind,
                                              sizeof(detail::lock_state)));
}

}  // namespace ferry
