// Semaphores with names, and whose duty it is to remove them.
#include "os/named_semaphore.hpp"

#include <ferry/error.hpp>
#include <ferry/named_semaphore.hpp>

#include "os/handle.hpp"
#include "os/process_identity.hpp"
#include "os/random.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ostream>
#include <utility>

namespace ferry {
namespace {

// As CPython makes them up.
std::string new_name() {
  std::array<std::byte, 4> random;
  os::fill_random(random);
  std::string name = "/mp-";
  for (const std::byte each : random) {
    std::array<char, 3> digits;
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(each));
    name += digits.data();
  }
  return name;
}

}  // namespace

// What the copies of one object have in common.
struct named_semaphore::state {
  state(std::string called, os::named_semaphore opened, os::process_identity created_by) noexcept
      : name(std::move(called)), semaphore(std::move(opened)), creator(created_by) {}
  ~state() {
    try {
      if (has_to_unlink()) os::named_semaphore::unlink(name);
    } catch (const error&) {
      // Somebody else has removed the name.
    }
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  bool is_ours() const noexcept { return creator != 0 && creator == os::own_identity(); }
  bool has_to_unlink() const noexcept { return is_ours() && !unlinked.exchange(true); }

  std::string name;
  os::named_semaphore semaphore;
  os::process_identity creator;  // 0: whoever it was, not this process
  mutable std::atomic<bool> unlinked{false};
};

named_semaphore named_semaphore::create(std::ptrdiff_t value, std::string_view name) {
  if (value < 0 || value > max())
    os::throw_system_error(EINVAL, "make a named semaphore of " + std::to_string(value) +
                                       " permits: from 0 to " + std::to_string(max()) + " are possible");
  for (;;) {
    std::string called = name.empty() ? new_name() : std::string(name);
    try {
      auto made = os::named_semaphore::create(called, static_cast<unsigned>(value));
      return named_semaphore(
          std::make_shared<const state>(std::move(called), std::move(made), os::own_identity()));
    } catch (const system_error& problem) {
      if (!name.empty() || problem.code() != std::errc::file_exists) throw;
    }
  }
}

named_semaphore named_semaphore::open(std::string_view name) {
  std::string called(name);
  auto opened = os::named_semaphore::open(called);
  return named_semaphore(std::make_shared<const state>(std::move(called), std::move(opened), 0));
}

std::ptrdiff_t named_semaphore::max() noexcept {
  return static_cast<std::ptrdiff_t>(os::most_of_a_named_semaphore());
}

void named_semaphore::acquire() const {
  state_->semaphore.acquire(deadline::never());
}

bool named_semaphore::try_acquire() const {
  return state_->semaphore.try_acquire();
}

bool named_semaphore::try_acquire_until(deadline until) const {
  return state_->semaphore.acquire(until);
}

void named_semaphore::release(std::ptrdiff_t count) const {
  if (count < 1)
    os::throw_system_error(
        EINVAL, "release " + std::to_string(count) + " permits of semaphore '" + name() + "': at least 1");
  for (; count > 0; --count) state_->semaphore.release();
}

std::ptrdiff_t named_semaphore::value() const noexcept {
  return state_->semaphore.value();
}

const std::string& named_semaphore::name() const noexcept {
  return state_->name;
}

void named_semaphore::unlink() const {
  if (!state_->is_ours())
    os::throw_system_error(
        EPERM, "unlink semaphore '" + name() + "': only the process that created it under that name does");
  state_->unlinked = true;
  os::named_semaphore::unlink(name());
}

std::ostream& operator<<(std::ostream& out, const named_semaphore& shown) {
  return out << "ferry::named_semaphore('" << shown.name() << "', value " << shown.value() << ')';
}

}  // namespace ferry
