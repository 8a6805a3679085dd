// SPDX-License-Identifier: BSL-1.0
// Texts of what locks and barriers throw.
#include <ferry/lock_error.hpp>

#include <string>
#include <utility>

namespace ferry {
namespace {

std::string text_of(broken_barrier::cause why, std::int64_t pid) {
  const std::string process = "process " + std::to_string(pid);
  switch (why) {
    case broken_barrier::cause::aborted:
      return "the barrier is broken: " + process + " has aborted it; reset() puts it in order";
    case broken_barrier::cause::reset:
      return process + " has reset the barrier while others waited at it";
    case broken_barrier::cause::timed_out:
      return "the barrier is broken: " + process +
             " has waited at it for longer than it wanted to; reset() puts it in order";
    case broken_barrier::cause::action_failed:
      return "the barrier is broken: its action has failed in " + process + "; reset() puts it in order";
    case broken_barrier::cause::process_ended:
      return "the barrier is broken: " + process +
             ", which has waited at it, has ended without leaving it; reset() puts it in order";
    case broken_barrier::cause::forgotten:
      break;
  }
  return "so many rounds have gone by at the barrier that it is not known any more how this one ended";
}

}  // namespace

broken_barrier::broken_barrier(cause why, std::int64_t pid)
    : error(text_of(why, pid)), why_(why), pid_(pid) {}

owner_died::owner_died(std::int64_t pid) : owner_died(pid, nullptr) {}

owner_died::owner_died(std::int64_t pid, std::shared_ptr<const detail::held_lock> held)
    : error("process " + std::to_string(pid) +
            " ended while it held the mutex: what that protects may be half changed. Repair it and call "
            "make_consistent()"),
      pid_(pid),
      held_(std::move(held)) {}

}  // namespace ferry
