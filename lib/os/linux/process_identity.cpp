// SPDX-License-Identifier: BSL-1.0
// Identities drawn by getrandom(2).
#include "os/process_identity.hpp"

#include "base/fork.hpp"
#include "os/linux/system_calls.hpp"

#include <atomic>
#include <ctime>
#include <sys/random.h>

namespace ferry::os {
namespace {

std::atomic<process_identity> cached{0};

// No allocation and no exception: it is asked under locks.
std::uint32_t drawn() noexcept {
  std::uint32_t number = 0;
  if (calls().getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
  // A sandbox may refuse the call. The time and the address of this stack still tell two processes apart.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto address = reinterpret_cast<std::uintptr_t>(&now);
  return static_cast<std::uint32_t>(now.tv_nsec) * 2654435769U ^ static_cast<std::uint32_t>(now.tv_sec) ^
         static_cast<std::uint32_t>(address >> 4U);
}

}  // namespace

process_identity own_identity() noexcept {
  if (const process_identity known = cached.load(std::memory_order_relaxed); known != 0) return known;
  [[maybe_unused]] static const bool forgotten_in_copies =
      (detail::in_each_copy([] { cached.store(0, std::memory_order_relaxed); }), true);
  // Neither 0 nor all ones in its upper half.
  const std::uint64_t number = (drawn() & 0x7fffffffU) | 0x40000000U;
  const process_identity fresh = number << 32U | static_cast<std::uint32_t>(::getpid());
  process_identity known = 0;
  // Of several threads that ask for the first time, one decides.
  return cached.compare_exchange_strong(known, fresh) ? fresh : known;
}

}  // namespace ferry::os
