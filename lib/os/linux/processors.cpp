// SPDX-License-Identifier: BSL-1.0
// Processors by sched_getaffinity(2), and quotas of control groups.
#include "os/processors.hpp"

#include "os/linux/control_groups.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <sched.h>
#include <thread>

namespace ferry::os {

unsigned processors_to_run_on() noexcept {
  struct give_back {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
  };
  // The kernel refuses a set that is smaller than its own, and does not say how large that is.
  constexpr std::size_t most = std::size_t{1} << 20U;
  for (std::size_t room = 1024; room <= most; room *= 2) {
    const std::unique_ptr<cpu_set_t, give_back> set(CPU_ALLOC(room));
    if (!set) return 0;
    const std::size_t size = CPU_ALLOC_SIZE(room);
    CPU_ZERO_S(size, set.get());
    if (::sched_getaffinity(0, size, set.get()) == 0)
      return static_cast<unsigned>(CPU_COUNT_S(size, set.get()));
    if (errno != EINVAL) return 0;
  }
  return 0;
}

unsigned usable_processors() noexcept {
  unsigned count = 0;
  try {
    count = processors_to_run_on();
    if (count == 0) count = std::thread::hardware_concurrency();
    if (const auto quota = processors_of_groups(); quota && std::ceil(*quota) < count)
      count = static_cast<unsigned>(std::ceil(*quota));
  } catch (...) {
    // No memory to read in what the groups say.
  }
  return std::max(1U, count);
}

}  // namespace ferry::os
