// SPDX-License-Identifier: BSL-1.0
// Reducers of semaphores: they cross as the memory they are in.
#include <ferry/error.hpp>
#include <ferry/semaphore.hpp>

#include "sync/semaphore_state.hpp"

#include <string>

namespace ferry {

std::tuple<handle_view, std::uint64_t, std::uint32_t> reducer<semaphore>::reduce(const semaphore& shared) {
  return std::tuple_cat(shared.location().parts(), std::tuple(shared.slots()));
}

semaphore reducer<semaphore>::rebuild(unique_handle memory, std::uint64_t offset, std::uint32_t permits) {
  if (permits > semaphore::max_owned)
    throw archive_error("received a semaphore of " + std::to_string(permits) + " owned permits, of which " +
                        std::to_string(semaphore::max_owned) + " are possible");
  return {detail::shared_location(std::move(memory), offset, detail::semaphore_kind,
                                  detail::size_of_semaphore(permits)),
          permits};
}

std::tuple<handle_view, std::uint64_t> reducer<bounded_semaphore>::reduce(const bounded_semaphore& shared) {
  return shared.location().parts();
}

bounded_semaphore reducer<bounded_semaphore>::rebuild(unique_handle memory, std::uint64_t offset) {
  return {detail::shared_location(std::move(memory), offset, detail::bounded_semaphore_kind,
                                  detail::size_of_semaphore(0)),
          0};
}

}  // namespace ferry
