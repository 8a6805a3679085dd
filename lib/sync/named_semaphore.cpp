// SPDX-License-Identifier: BSL-1.0
// Semaphores with names, and whose duty it is to remove them.
#include "os/named_semaphore.hpp"

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/error.hpp>
#include <ferry/named_semaphore.hpp>

#include "base/fork.hpp"
#include "os/handle.hpp"
#include "sync/new_name.hpp"

#include <gsl/narrow>

#include <atomic>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

namespace ferry {

// What the copies of one object have in common.
struct named_semaphore::state {
  /// Opens the one of that name.
  explicit state(std::string called) : name(std::move(called)), semaphore(os::named_semaphore::open(name)) {}
  /// Makes it. Nothing can fail when the name is there.
  state(std::string called, unsigned value)
      : name(std::move(called)),
        made_in(std::in_place),
        semaphore(os::named_semaphore::create(name, value)) {}
  ~state() {
    try {
      if (has_to_unlink()) os::named_semaphore::unlink(name);
    } catch (...) {
      // Another process has removed the name; there may be no memory to say so.
    }
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  bool is_ours() const noexcept { return made_in && !made_in->is_copy(); }
  bool has_to_unlink() const noexcept { return is_ours() && !unlinked.exchange(true); }

  std::string name;
  std::optional<detail::fork_mark> made_in;  // none: it was there already
  os::named_semaphore semaphore;
  mutable std::atomic<bool> unlinked{false};
};

named_semaphore named_semaphore::create(std::ptrdiff_t value, std::string_view name) {
  if (value < 0 || value > max())
    throw usage_error("cannot make a named semaphore of " + std::to_string(value) + " permits: from 0 to " +
                      std::to_string(max()) + " are possible");
  for (;;) {
    try {
      return named_semaphore(std::make_shared<const state>(
          name.empty() ? detail::new_name("/mp-") : std::string(name), gsl::narrow<unsigned>(value)));
    } catch (const system_error& problem) {
      if (!name.empty() || problem.code() != std::errc::file_exists) throw;
    }
  }
}

named_semaphore named_semaphore::open(std::string_view name) {
  return named_semaphore(std::make_shared<const state>(std::string(name)));
}

std::ptrdiff_t named_semaphore::max() noexcept {
  return static_cast<std::ptrdiff_t>(os::most_of_a_named_semaphore());
}

const named_semaphore::state& named_semaphore::held() const {
  return detail::held(state_, "named_semaphore");
}

void named_semaphore::acquire() const {
  held().semaphore.acquire(deadline::never());
}

bool named_semaphore::try_acquire() const {
  return held().semaphore.try_acquire();
}

bool named_semaphore::try_acquire_until(deadline until) const {
  return held().semaphore.acquire(until);
}

void named_semaphore::release(std::ptrdiff_t count) const {
  if (count < 1)
    throw usage_error("cannot release " + std::to_string(count) + " permits of semaphore '" + name() +
                      "': at least 1");
  for (; count > 0; --count) held().semaphore.release();
}

std::ptrdiff_t named_semaphore::value() const {
  return held().semaphore.value();
}

const std::string& named_semaphore::name() const {
  return held().name;
}

void named_semaphore::unlink() const {
  if (!held().is_ours())
    os::throw_system_error(
        std::errc::operation_not_permitted,
        "unlink semaphore '" + name() + "': only the process that created it under that name does");
  held().unlinked = true;
  os::named_semaphore::unlink(name());
}

std::ostream& operator<<(std::ostream& out, const named_semaphore& shown) {
  return out << "ferry::named_semaphore('" << shown.name() << "', value " << shown.value() << ')';
}

}  // namespace ferry
